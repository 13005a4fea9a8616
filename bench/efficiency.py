"""How much of the time of training is matrix products.

The floor is what no implementation of these layers can do without: the products of forward
pass, weight gradient and input gradient (the first layer needs none), on the same shapes, with
results written where they belong, and nothing between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ablate.data import Data

from .cells import BATCH, MOMENTUM, THIN, WIDE, cell, epoch_of
from .timing import Contender, Spread, interleave, ratios, timed

CLASSES = 10
# One evaluation of so few examples is lost beside the steps.
_VALIDATION = 100


@dataclass(frozen=True)
class Case:
    """A network, trained in a stack; `target` is what its efficiency is meant to reach."""

    network: str
    model: dict[str, Any]
    hidden: tuple[int, ...]
    stack: int
    target: float | None = None


@dataclass(frozen=True)
class Efficiency:
    """What was measured of a case.

    flop      of the products of one step, of all replicates
    step      milliseconds of one step of training
    products  milliseconds of its products alone
    share     products / step; 1 would be no overhead at all
    """

    case: Case
    flop: int
    step: Spread
    products: Spread
    share: Spread


_WIDE, _THIN = "784-256-256-10", "784-64-128-64-10, batch norm"
CASES = (
    Case(_WIDE, WIDE, (256, 256), 1, 0.50),
    Case(_WIDE, WIDE, (256, 256), 8, 0.65),
    Case(_THIN, THIN, (64, 128, 64), 1),
    Case(_THIN, THIN, (64, 128, 64), 8, 0.38),
)


def measure(data: Data, rounds: int, steps: int, say: Callable[[str], None]) -> list[Efficiency]:
    """Time `steps` steps of SGD with momentum and as many times their products, in turn."""
    contenders: dict[str, Contender] = {}
    features = data.train[0][0].numel()
    shapes = [layer_shapes((features, *case.hidden, CLASSES)) for case in CASES]
    for number, case in enumerate(CASES):
        config = cell(case.model, MOMENTUM, steps * BATCH, _VALIDATION)
        contenders[f"{number} step"] = epoch_of(config, data, range(case.stack))
        contenders[f"{number} products"] = timed(products(shapes[number], case.stack, steps))
    seconds = interleave(contenders, rounds, say)

    found = []
    for number, case in enumerate(CASES):
        training, floor = seconds[f"{number} step"], seconds[f"{number} products"]
        found.append(
            Efficiency(
                case=case,
                flop=flop(shapes[number], case.stack),
                step=Spread.of([1e3 * s / steps for s in training]),
                products=Spread.of([1e3 * s / steps for s in floor]),
                share=ratios(floor, training),
            )
        )
    return found


def layer_shapes(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Return (inputs, outputs) of each layer of a fully connected network."""
    return list(itertools.pairwise(widths))


def flop(shapes: Sequence[tuple[int, int]], stack: int) -> int:
    """Return floating-point operations of the products of one step, a multiply-add being two."""
    forward = sum(inputs * outputs for inputs, outputs in shapes)
    first_inputs, first_outputs = shapes[0]
    return 2 * BATCH * stack * (3 * forward - first_inputs * first_outputs)


def products(shapes: Sequence[tuple[int, int]], stack: int, steps: int) -> Callable[[], None]:
    """Return the products of `steps` steps; weights are (inputs, outputs), as in training."""
    generator = torch.Generator().manual_seed(0)
    calls: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for number, (inputs, outputs) in enumerate(shapes):
        x = torch.randn(stack, BATCH, inputs, generator=generator)
        weight = torch.randn(stack, inputs, outputs, generator=generator)
        gradient = torch.randn(stack, BATCH, outputs, generator=generator)
        calls.append((x, weight, torch.empty(stack, BATCH, outputs)))
        calls.append((x.mT, gradient, torch.empty(stack, inputs, outputs)))
        if number:
            calls.append((gradient, weight.mT, torch.empty(stack, BATCH, inputs)))
    product = torch.bmm
    if stack == 1:
        # The floor is the faster of the two calls; for one matrix that is mm.
        product = torch.mm
        calls = [(a[0], b[0], out[0]) for a, b, out in calls]

    def work() -> None:
        with torch.no_grad():
            for _ in range(steps):
                for a, b, out in calls:
                    product(a, b, out=out)

    return work
