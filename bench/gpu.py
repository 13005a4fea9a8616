"""Stacks on a GPU beside the CPU: steps a second of small networks, all as one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ablate.data import Data
from ablate.train.loop import train

from .cells import ADAM, cell
from .networks import BATCH, NETS
from .timing import Contender, Spread, interleave, ratios

NO_GPU = "bench: --gpu needs a GPU that torch can use, and there is none on this machine."


@dataclass(frozen=True)
class Case:
    """A network in a stack, so many steps of it."""

    net: str
    stack: int
    steps: int


@dataclass(frozen=True)
class Row:
    """Steps a second of one network (its stack's steps times networks), there and here.

    speed   there / here
    """

    case: Case
    there: Spread
    here: Spread
    speed: Spread


def cases() -> list[Case]:
    """Return stacks of 8 and 64 of the three fully connected networks."""
    return [Case(net, stack, 100) for net in ("thin", "wide", "deep") for stack in (8, 64)]


def measure(
    asked: Sequence[Case], data: Data, device: str, rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """Time every case on `device` and on the CPU in turn."""
    contenders: dict[str, Contender] = {}
    for number, case in enumerate(asked):
        contenders[f"{number} there"] = steps(case, data, device)
        # The CPU's time is the same a step: a tenth of them will do.
        contenders[f"{number} here"] = steps(_fewer(case), data, "cpu")
    seconds = interleave(contenders, rounds, say)
    rows = []
    for number, case in enumerate(asked):
        there = [case.stack * case.steps / s for s in seconds[f"{number} there"]]
        few = _fewer(case)
        here = [few.stack * few.steps / s for s in seconds[f"{number} here"]]
        rows.append(Row(case, Spread.of(there), Spread.of(here), ratios(there, here)))
    return rows


def steps(case: Case, data: Data, device: str) -> Contender:
    """Return a contender: the seconds of the steps, from one evaluation to the next."""
    config = cell(NETS[case.net], ADAM, case.steps * BATCH, 100)

    def contender() -> float:
        before, after = train(config, data, range(case.stack), device)[0].evaluated_at
        return after - before  # an evaluation waits for its scores, so for all steps before it

    return contender


def missing() -> str | None:
    """Return what is to be said where there is no GPU, None where there is one."""
    return None if torch.cuda.is_available() else NO_GPU


def table(rows: Sequence[Row], device: str) -> str:
    """Return the rows as Markdown."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else device
    lines = [
        f"### Stacks on {name}",
        "",
        "| network | stack | steps a second there | on the CPU | times |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {NETS[row.case.net].title} | {row.case.stack} | {row.there.median:,.0f} "
            f"| {row.here.median:,.0f} | **{row.speed.median:.1f}** |"
        )
    return "\n".join(lines) + "\n"


def _fewer(case: Case) -> Case:
    return replace(case, steps=max(1, case.steps // 10))
