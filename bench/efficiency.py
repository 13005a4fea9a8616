"""How much of the time of training is matrix products.

The floor is what no implementation of these layers can do without: the products of forward
pass, weight gradient and input gradient (the first layer needs none), on the same shapes, with
results written where they belong, and nothing between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ablate.data import Data
from .cells import BATCH, MOMENTUM, THIN, WIDE, cell, epoch_of
from .timing import Spread, interleave, ratios, timed

CLASSES = 10
# One evaluation of so few examples is lost beside the steps.
_VALIDATION = 100


@dataclass(frozen=True)
class Efficiency:
    """One network in one stack.

    flop      of the products of one step, of all replicates
    step      milliseconds of one step of training
    products  milliseconds of its products alone
    share     products / step; 1 would be no overhead at all
    target    what `share` is meant to reach, None where nothing was promised
    """

    network: str
    stack: int
    flop: int
    step: Spread
    products: Spread
    share: Spread
    target: float | None


_CASES = (
    ("784-256-256-10", WIDE, (256, 256), 1, 0.50),
    ("784-256-256-10", WIDE, (256, 256), 8, 0.65),
    ("784-64-128-64-10, batch norm", THIN, (64, 128, 64), 1, None),
    ("784-64-128-64-10, batch norm", THIN, (64, 128, 64), 8, 0.38),
)


def measure(data: Data, rounds: int, steps: int, say: Callable[[str], None]) -> list[Efficiency]:
    """Time `steps` steps of SGD with momentum and as many times their products, in turn."""
    contenders = {}
    features = data.train[0][0].numel()
    for number, (_, model, hidden, stack, _) in enumerate(_CASES):
        config = cell(model, MOMENTUM, steps * BATCH, _VALIDATION)
        contenders[f"{number} step"] = epoch_of(config, data, range(stack))
        shapes = layer_shapes((features, *hidden, CLASSES))
        contenders[f"{number} products"] = timed(products(shapes, stack, steps))
    seconds = interleave(contenders, rounds, say)

    found = []
    for number, (network, _, hidden, stack, target) in enumerate(_CASES):
        training, floor = seconds[f"{number} step"], seconds[f"{number} products"]
        found.append(
            Efficiency(
                network=network,
                stack=stack,
                flop=flop(layer_shapes((features, *hidden, CLASSES)), stack),
                step=Spread.of([1e3 * s / steps for s in training]),
                products=Spread.of([1e3 * s / steps for s in floor]),
                share=ratios(floor, training),
                target=target,
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
