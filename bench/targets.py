"""What the benchmark is meant to show, beside what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .first_result import AGAIN, FRESH, SWEEP
from .first_result import Row as First
from .growth import Growth
from .stacks import Row as Stack
from .sweeps import JAX, PEERS
from .sweeps import Case as SweepCase
from .sweeps import Row as Sweep

BY_HAND, LIGHTNING, PLAIN = PEERS["by_hand"], PEERS["lightning"], PEERS["plain"]


@dataclass(frozen=True)
class Target:
    """A goal and the figure for it.

    measured   None: not measured in this run
    at_least   else at most
    form       how both are written
    """

    what: str
    measured: float | None
    goal: float
    at_least: bool = True
    form: str = ".2f"

    @property
    def is_reached(self) -> bool | None:
        """Tell whether the median is on the right side; None: not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal


def targets(
    sweeps: Sequence[tuple[SweepCase, Sequence[Sweep]]],
    stacks: Sequence[Stack],
    first: Sequence[First],
    growth: Sequence[Growth],
) -> list[Target]:
    """Return every goal in the order of the page."""
    found = []
    for net, title, goal in (
        ("thin", "64-128-64", 1.8), ("wide", "256-256", 1.0),
        ("deep", "10 × 100", 1.0), ("cnn", "cnn", 1.0),
    ):  # fmt: skip
        found.append(
            Target(f"24 runs, {title}: loop by hand × ablate", _sweep(sweeps, net, BY_HAND), goal)
        )
    thin = "24 runs, 64-128-64"
    found += [
        Target(f"{thin}: Lightning × ablate", _sweep(sweeps, "thin", LIGHTNING), 4),
        Target(f"{thin}: per-sample transforms × ablate", _sweep(sweeps, "thin", PLAIN), 10),
        *(
            Target(f"24 runs, {title}: JAX × ablate", _sweep(sweeps, net, JAX), 1)
            for net, title in (("thin", "64-128-64"), ("wide", "256-256"), ("deep", "10 × 100"))
        ),
        Target("102 runs: Lightning × ablate", _sweep(sweeps, "thin", LIGHTNING, True), 8),
        Target("102 runs: per-sample transforms × ablate", _sweep(sweeps, "thin", PLAIN, True), 15),
    ]
    for net, title in (("thin", "64-128-64"), ("wide", "256-256"), ("deep", "10 × 100")):
        for precision, goal in (("fp32", 1.5), ("bf16", 1.0)):
            what = f"step in a stack of 8, {title}: ablate {precision} × JAX fp32"
            found.append(Target(what, _of_jax(stacks, net, precision), goal, at_least=False))
    ratio = {row.name: row.ratio.median for row in first}
    for name, goal in ((FRESH, 1), (AGAIN, 1), (SWEEP, 2)):
        found.append(Target(f"{name} × the imports", ratio.get(name), goal, at_least=False))
    whole = next((row for row in growth if row.case.train_size == 55_000), None)
    around = None if whole is None else whole.around
    found.append(Target("100 runs of 55,000 images: beside training", around, 0.08, False, ".1%"))
    per_run = None if whole is None else 1e3 * whole.around_per_run
    found.append(Target("likewise, milliseconds a run", per_run, 15, False, ".0f"))
    return found


def targets_table(found: Sequence[Target]) -> str:
    """Return the goals as Markdown."""
    lines = [
        "### What it should show",
        "",
        "| | goal | measured | reached |",
        "|---|---:|---:|---|",
    ]
    words = {True: "yes", False: "**no**", None: "not measured here"}
    for target in found:
        sign = "≥" if target.at_least else "≤"
        figure = "" if target.measured is None else f"{target.measured:{target.form}}"
        lines.append(
            f"| {target.what} | {sign} {target.goal:{target.form}} | {figure} "
            f"| {words[target.is_reached]} |"
        )
    return "\n".join(lines) + "\n"


def _sweep(
    measured: Sequence[tuple[SweepCase, Sequence[Sweep]]], net: str, peer: str, long: bool = False
) -> float | None:
    for case, rows in measured:
        if (case.net.name, case.fresh) == (net, long):
            return next((row.ratio.median for row in rows if row.name == peer), None)
    return None


def _of_jax(rows: Sequence[Stack], net: str, precision: str) -> float | None:
    for row in rows:
        if (row.case.net.name, row.case.precision) == (net, precision) and row.of_jax is not None:
            return row.of_jax.median
    return None
