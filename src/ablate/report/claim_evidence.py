"""From a claim and the runs it speaks of to evidence: one function per form of claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ablate.errors import ConfigError, one_of
from ablate.lessons.signal import theory
from ablate.report.run_arrays import Arm, RunArrays
from ablate.stats import (
    Array,
    Evidence,
    Expect,
    in_order,
    noise,
    paired_effect,
    rate,
    sensitivity,
)
from ablate.study.schema import ABSENT, REPLICATES, Claim, Study

if TYPE_CHECKING:
    from ablate.config import RunConfig

#: What a theory needs of a cell: initialization and activation; None: any that it knows.
THEORIES: Mapping[str, tuple[str, str] | None] = {"signal": None, "he_relu": ("he", "relu")}
_THEORY_OF = {"activation": "activation_std", "activation_gradient": "gradient_std"}


@dataclass(frozen=True, eq=False)
class Case:
    """A claim with its evidence, before the family of all claims is adjusted.

    arms        the runs that it is about: A and B, or all of them
    difference  of the pairs that converged in both, where it compares pairs
    unit        of effect and margin
    note        why there is no evidence, where there is none
    """

    evidence: Evidence
    arms: tuple[Arm, ...]
    difference: Array | None
    unit: str
    note: str = ""

    @property
    def lost(self) -> int:
        """Runs behind it that did not converge."""
        return sum(int(arm.lost.sum()) for arm in self.arms)

    @property
    def runs(self) -> int:
        """All runs behind it."""
        return sum(int(arm.lost.size) for arm in self.arms)


def case(claim: Claim, study: Study, grid: RunArrays, configs: Mapping[str, RunConfig]) -> Case:
    """Return the evidence for one claim.

    study  of one part
    grid   the claim's metric, run by run

    Raises ConfigError for a theory that says nothing of the claim's cells.
    """
    unit = grid.measure.unit
    match claim.expect:
        case "converges" | "diverges":
            return _share(claim, grid)
        case "monotone":
            return _order(claim, study, grid)
        case "follows":
            return _theory(claim, grid, configs)
    assert claim.compare is not None
    factor, a, b = claim.compare
    expect: Expect = claim.expect
    margin = margin_of(claim, study)
    if claim.interaction is not None:
        return _interaction(claim, grid, expect, margin)
    arms = grid.pair(factor, a, b, claim.at)
    if claim.spread_over == REPLICATES:
        return Case(noise(arms[0].values, arms[1].values, expect, margin), arms, None, unit)
    if claim.spread_over is not None:
        evidence = _spread(claim.spread_over, study, grid, (factor, a, b), claim.at, expect)
        return Case(evidence, arms, None, f"{unit}²" if unit else "")
    difference, wins, losses, given = differences(*arms, higher=grid.measure.better == "higher")
    evidence = paired_effect(difference, wins, losses, expect, margin, given)
    return Case(evidence, arms, given, unit)


def margin_of(claim: Claim, study: Study) -> float:
    """Return the claim's margin; for `equal` the study's smallest effect where it says none."""
    if claim.margin is not None:
        return claim.margin
    return (study.smallest_effect or 0.0) if claim.expect == "equal" else 0.0


def differences(a: Arm, b: Arm, higher: bool) -> tuple[Array, int, int, Array]:
    """Return A - B by replicate, replicates that loss decides for A and for B, and what is given.

    The replicate goes to the arm that lost fewer of its runs; the pairs left are those that lost
    none or as many, each the mean over settings that converged in both arms. The last array has
    such a mean for every replicate that has one. `higher`: a lost run counts as low.
    """
    both = np.isfinite(a.values) & np.isfinite(b.values)
    counts = both.sum(axis=0)
    sums = np.where(both, a.values - b.values, 0.0).sum(axis=0)
    means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    gone = (a.missing | b.missing).any(axis=0)
    fewer, more = a.losses < b.losses, a.losses > b.losses
    wins, losses = (fewer, more) if higher else (more, fewer)
    even = ~fewer & ~more & (counts > 0) & ~gone
    return (
        means[even],
        int((wins & ~gone).sum()),
        int((losses & ~gone).sum()),
        means[(counts > 0) & ~gone],
    )


def _share(claim: Claim, grid: RunArrays) -> Case:
    arm = grid.arm(grid.settings(claim.at))
    finished = ~arm.missing
    lost = int((arm.lost & finished).sum())
    n = int(finished.sum())
    assert claim.rate is not None
    found = rate(n - lost if claim.expect == "converges" else lost, n, claim.rate)
    return Case(found, (arm,), None, "share")


def _order(claim: Claim, study: Study, grid: RunArrays) -> Case:
    assert claim.over is not None
    names = [level.name for level in study.factor(claim.over).levels if level.name != ABSENT]
    expect: Expect = "greater" if claim.direction == "up" else "less"
    steps: list[Evidence] = []
    arms: list[Arm] = []
    for low, high in pairwise(names):
        first, second = grid.pair(claim.over, low, high, claim.at)
        arms += [second] if arms else [first, second]
        pairs = differences(second, first, higher=grid.measure.better == "higher")
        steps.append(paired_effect(*pairs[:3], expect, claim.margin or 0.0, pairs[3]))
    return Case(in_order(steps), (_stacked(arms),), None, grid.measure.unit)


def _theory(claim: Claim, grid: RunArrays, configs: Mapping[str, RunConfig]) -> Case:
    """Compare the mean ratio of measured to predicted with 1, replicate by replicate."""
    place = grid.measure.layer
    if (
        claim.follows is None
        or claim.follows not in THEORIES
        or place is None
        or place[0] not in _THEORY_OF
    ):
        raise ConfigError(
            f"claim '{claim.name}': follows: {claim.follows} is not known for this metric; allowed "
            f"are {one_of(THEORIES)}, of probe(activation/std, ...)."
        )
    arm = grid.arm(grid.settings(claim.at))
    predicted = np.full((len(arm.values), 1), np.nan)
    for row, name in enumerate(arm.cells):
        config = configs.get(name)
        needed = THEORIES[claim.follows]
        found = theory(config) if config is not None else None
        if config is None or found is None or (
            needed and (config.init.name, getattr(config.model, "activation", "")) != needed
        ):  # fmt: skip
            raise ConfigError(
                f"claim '{claim.name}': {claim.follows} says nothing of cell {name}; fix the "
                "factors in at."
            )
        predicted[row, 0] = getattr(found, _THEORY_OF[place[0]])[place[1] - 1]
    assert claim.within is not None
    ratio = (arm.values / predicted - 1).mean(axis=0)
    evidence = paired_effect(ratio[np.isfinite(ratio)], 0, 0, "equal", claim.within)
    return Case(evidence, (arm,), None, "share")


def _interaction(claim: Claim, grid: RunArrays, expect: Expect, margin: float) -> Case:
    """Judge (A - B) at C less (A - B) at D; the side that lost fewer runs is ahead."""
    assert claim.compare is not None
    assert claim.interaction is not None
    other, *levels = claim.interaction
    at = {name: kept for name, kept in claim.at.items() if name != other}
    (a, b), (c, d) = (grid.pair(*claim.compare, {**at, other: (level,)}) for level in levels)
    whole = (a.means - b.means) - (c.means - d.means)
    even = np.isfinite(whole)
    sign = 1 if grid.measure.better == "higher" else -1
    lead = sign * ((b.losses - a.losses) - (d.losses - c.losses))
    gone = (a.missing | b.missing).any(axis=0) | (c.missing | d.missing).any(axis=0)
    wins, losses = (int(((lead * s > 0) & ~even & ~gone).sum()) for s in (1, -1))
    evidence = paired_effect(whole[even], wins, losses, expect, margin)
    arms = (_stacked([a, c]), _stacked([b, d]))
    return Case(evidence, arms, whole[even], grid.measure.unit)


def _spread(
    over: str,
    study: Study,
    grid: RunArrays,
    compared: tuple[str, str, str],
    at: Mapping[str, tuple[str, ...]],
    expect: Expect,
) -> Evidence:
    names = [level.name for level in study.factor(over).levels if level.name != ABSENT]
    pairs = [grid.pair(*compared, {**at, over: (name,)}) for name in names]
    sides = list(zip(*pairs, strict=True))
    a, b = (np.stack([arm.means for arm in side]) for side in sides)
    a_lost, b_lost = (np.sum([arm.losses for arm in side], axis=0) for side in sides)
    return sensitivity(a, b, a_lost, b_lost, expect)


def _stacked(arms: list[Arm]) -> Arm:
    return Arm(
        tuple(cell for arm in arms for cell in arm.cells),
        np.concatenate([arm.values for arm in arms]),
        np.concatenate([arm.lost for arm in arms]),
        np.concatenate([arm.missing for arm in arms]),
    )
