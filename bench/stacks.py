"""How much of the time of training is matrix products, alone and in stacks.

The floor is what no implementation of these layers can do without: the products of
`bench.limit.products`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.data import Data

from .cells import MOMENTUM, cell, epoch_of
from .limit import products
from .networks import BATCH, CNN, DEEP, THIN, WIDE, Net, flop
from .timing import Contender, Spread, interleave, ratios, timed

#: One evaluation of so few examples is lost beside the steps.
_VALIDATION = 100


@dataclass(frozen=True)
class Case:
    """A network trained in a stack.

    path      how it is stacked: layers of this project, `vmap` over a module, or none
    target    what the share of products is meant to reach
    faster    what the speed against one by one is meant to reach
    """

    net: Net
    stack: int
    steps: int
    path: str = "layers"
    target: float | None = None
    faster: float | None = None
    model: dict[str, Any] | None = None
    trainer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What was measured of a case.

    flop      of the products of one step of one network
    step      milliseconds of a step, per network
    products  milliseconds of its products alone, per network
    share     products / step; 1 would be no overhead at all
    speed     of one network against one trained alone
    """

    case: Case
    flop: int
    step: Spread
    products: Spread
    share: Spread
    speed: Spread


def cases(quick: bool) -> list[Case]:
    """Return all cases; a case of one network precedes the stacks of its kind."""
    sizes = (1, 8) if quick else (1, 2, 4, 8, 16, 32)
    targets: dict[tuple[str, int], tuple[float | None, float | None]] = {
        ("wide", 1): (0.50, None), ("wide", 8): (0.65, 1.0),
        ("thin", 8): (0.38, 1.8), ("deep", 8): (None, 1.35),
    }  # fmt: skip
    found = [
        Case(net, size, 40, "layers", *targets.get((net.name, size), (None, None)))
        for net in (WIDE, THIN, DEEP)
        for size in sizes
    ]
    for net in (WIDE, THIN):
        own = {"_target_": f"bench.networks.{net.name}_module"}
        found += [Case(net, size, 40, "vmap", model=own) for size in (1, 8)]
    found += [Case(CNN, size, 4) for size in ((1,) if quick else (1, 4))]
    return [*found, Case(CNN, 1, 4, trainer={"precision": "bf16"})]


def measure(
    data: Mapping[str, Data], rounds: int, quick: bool, say: Callable[[str], None]
) -> list[Row]:
    """Time steps of SGD with momentum and as many times their products, in turn."""
    contenders: dict[str, Contender] = {}
    every = cases(quick)
    for number, case in enumerate(every):
        config = cell(
            case.net, MOMENTUM, case.steps * BATCH, _VALIDATION, case.model, **case.trainer
        )
        contenders[f"{number} step"] = epoch_of(config, data[case.net.dataset], range(case.stack))
        contenders[f"{number} products"] = timed(products(case.net, case.stack, case.steps))
    seconds = interleave(contenders, rounds, say)
    rows: list[Row] = []
    for number, case in enumerate(every):
        training, floor = seconds[f"{number} step"], seconds[f"{number} products"]
        first = next(
            i for i, one in enumerate(every)
            if (one.net, one.path, one.stack) == (case.net, case.path, 1)
        )  # fmt: skip
        alone = [case.stack * s for s in seconds[f"{first} step"]]
        per_step = 1e3 / (case.steps * case.stack)
        rows.append(
            Row(
                case=case,
                flop=flop(case.net.products()),
                step=Spread.of([per_step * s for s in training]),
                products=Spread.of([per_step * s for s in floor]),
                share=ratios(floor, training),
                speed=ratios(alone, training),
            )
        )
    return rows
