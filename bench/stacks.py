"""Steps of training alone and in stacks, beside the same in JAX and beside their products alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ablate.data import Data

from .cells import ADAM, cell, epoch_of
from .limit import BFLOAT16, available, products
from .networks import BATCH, CNN, DEEP, THIN, WIDE, Net
from .timing import Contender, Spread, interleave, ratios, timed

#: One evaluation of so few examples is lost beside the steps.
_VALIDATION = 100


@dataclass(frozen=True)
class Case:
    """A network trained in a stack.

    precision   `fp32` or `bf16`
    steps       timed at once
    with_jax    the same stack in JAX, too
    """

    net: Net
    stack: int
    precision: str = "fp32"
    steps: int = 40
    with_jax: bool = False


@dataclass(frozen=True)
class Row:
    """What was measured of a case; milliseconds are of a step, per network.

    step      of ablate
    products  of its products alone, by who multiplies: the limit is the fastest in this precision
    share     fastest products / step; 1 would be no overhead at all
    speed     of one network against one trained alone, in float32
    jax       step of JAX in the same precision, None where it takes no part
    of_jax    step of ablate over that of JAX in float32
    """

    case: Case
    step: Spread
    products: Mapping[str, Spread]
    share: Spread
    speed: Spread
    jax: Spread | None
    of_jax: Spread | None


def cases(quick: bool) -> list[Case]:
    """Return all cases; a network alone in float32 precedes its others."""
    found = []
    for net in (THIN,) if quick else (THIN, WIDE, DEEP):
        found += [Case(net, 1), Case(net, 8, with_jax=True)]
        found += [Case(net, 32, steps=20)] if net is THIN and not quick else []
        # Few steps: without instructions for bfloat16 they take ten times as long.
        found += [Case(net, 8, "bf16", steps=5, with_jax=True)]
    return found if quick else [*found, Case(CNN, 1, steps=4), Case(CNN, 1, "bf16", steps=2)]


def measure(
    data: Mapping[str, Data], rounds: int, quick: bool, say: Callable[[str], None]
) -> list[Row]:
    """Time steps of Adam, of JAX's and as many times their products, in turn, on one core."""
    every = cases(quick)
    with one_core():
        seconds = interleave(_contenders(every, data), rounds, say)
    return [_row(case, every, seconds) for case in every]


def _contenders(every: list[Case], data: Mapping[str, Data]) -> dict[str, Contender]:
    contenders: dict[str, Contender] = {}
    for number, case in enumerate(every):
        config = cell(case.net, ADAM, case.steps * BATCH, _VALIDATION, precision=case.precision)
        contenders[f"{number} step"] = epoch_of(config, data[case.net.dataset], range(case.stack))
        for how in _multipliers(case):
            contenders[f"{number} {how}"] = timed(products(case.net, case.stack, case.steps, how))
        if case.with_jax:
            contenders[f"{number} jax"] = jax_steps(case)
    return contenders


def _multipliers(case: Case) -> tuple[str, ...]:
    return available() if case.precision == "fp32" else (BFLOAT16,)


def _row(case: Case, every: list[Case], seconds: Mapping[str, list[float]]) -> Row:
    def per_step(number: int, what: str) -> list[float]:
        one = every[number]
        return [1e3 * s / (one.steps * one.stack) for s in seconds[f"{number} {what}"]]

    number = every.index(case)
    step = per_step(number, "step")
    by = {how: per_step(number, how) for how in _multipliers(case)}
    fastest = [min(taken) for taken in zip(*by.values(), strict=True)]
    alone = every.index(next(c for c in every if (c.net, c.stack) == (case.net, 1)))
    jax = of_jax = None
    if case.with_jax:
        single = next(
            i for i, c in enumerate(every)
            if c.with_jax and (c.net, c.stack, c.precision) == (case.net, case.stack, "fp32")
        )  # fmt: skip
        jax, of_jax = Spread.of(per_step(number, "jax")), ratios(step, per_step(single, "jax"))
    return Row(
        case=case,
        step=Spread.of(step),
        products={how: Spread.of(taken) for how, taken in by.items()},
        share=ratios(fastest, step),
        speed=ratios(per_step(alone, "step"), step),
        jax=jax,
        of_jax=of_jax,
    )


def jax_steps(case: Case) -> Contender:
    """Return a contender: as many steps of the same stack in JAX, compiled before."""
    import math

    import jax
    import jax.numpy as jnp
    import numpy as np

    from .jax_networks import begin, stacked_epoch

    count = case.steps * BATCH
    draw = np.random.default_rng(0)
    x = jnp.asarray(draw.standard_normal((count, math.prod(case.net.inputs)), np.float32))
    y = jnp.asarray(draw.integers(0, 10, count), jnp.int32)
    orders = [draw.permutation(count).reshape(case.steps, BATCH) for _ in range(case.stack)]
    order, lr = jnp.asarray(np.stack(orders), jnp.int32), jnp.full(case.stack, ADAM["lr"])
    epoch = stacked_epoch(jnp.bfloat16 if case.precision == "bf16" else jnp.float32)
    seeds = jnp.arange(case.stack)
    held = [jax.jit(jax.vmap(lambda seed: begin(case.net, seed)))(seeds)]

    def work() -> None:
        held[0], losses = epoch(held[0], lr, order, x, y)
        jax.block_until_ready((held[0], losses))

    return timed(work)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core: JAX's pool takes all it finds."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
