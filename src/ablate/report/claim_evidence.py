"""From a claim and the runs it speaks of to evidence: one function per form of claim."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from ablate import stats
from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.lessons.signal import theory
from ablate.report.circumstances import chance
from ablate.report.run_arrays import Measure
from ablate.report.tuning_noise import choice_variance
from ablate.study.claim_check import follows_theory
from ablate.study.claims import Claim, Effect, Follows, Interaction, Noise, Order, Rate, Spread
from ablate.study.schema import Study


@dataclass(frozen=True, eq=False)
class Case:
    """A claim with its evidence, before the family of all claims is adjusted.

    arms        the runs that it is about: A and B, or all of them
    difference  of the pairs that converged in both, where it compares pairs
    unit        of effect and margin
    note        why there is no evidence, where there is none
    """

    evidence: stats.Evidence
    arms: tuple[stats.Arm, ...] = ()
    difference: stats.Array | None = None
    unit: str = ""
    note: str = ""

    @property
    def not_converged(self) -> tuple[int, ...]:
        """Runs of each arm that did not converge."""
        return tuple(int(arm.not_converged.sum()) for arm in self.arms)

    @property
    def runs(self) -> tuple[int, ...]:
        """All runs of each arm."""
        return tuple(arm.values.size for arm in self.arms)

    @property
    def lost(self) -> str:
        """The runs of each arm that did not converge, of how many: `0/6, 2/6`."""
        return ", ".join(f"{k}/{n}" for k, n in zip(self.not_converged, self.runs, strict=True))


def case(claim: Claim, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    """Return the evidence for one claim.

    runs  the claim's metric, run by run, of a study of one part

    Raises ReportError for a theory that says nothing of the claim's cells.
    """
    match claim:
        case Rate():
            return _rate(claim, runs)
        case Order():
            return _order(claim, runs, configs)
        case Follows():
            return _follows(claim, runs, configs)
        case Spread():
            return _spread(claim, runs, configs)
        case Noise():
            arms = runs.pair(*claim.compare, claim.at)
            a, b = (_scored(arm, runs, configs) for arm in arms)
            evidence = stats.noise(a.values, b.values, claim.expect, margin_of(claim, runs.study))
            return Case(evidence, arms, unit=runs.unit)
        case Interaction():
            pairs, arms = _interaction(claim, runs)
        case Effect():
            arms = runs.pair(*claim.compare, claim.at)
            pairs = stats.pair_up(*arms, runs.better)
    difference = pairs.difference[np.isfinite(pairs.difference)]
    margin, extra = margin_of(claim, runs.study), choice_variance(runs, arms, configs)
    evidence = stats.paired_effect(pairs, claim.expect, margin, extra)
    return Case(evidence, arms, difference, runs.unit)


def margin_of(claim: Claim, study: Study) -> float:
    """Return the number beyond which, or within which, a claim sees its effect."""
    match claim:
        case Rate():
            return claim.rate
        case Follows():
            return claim.within
        case Effect(expect="equal", margin=None):
            return study.smallest_effect or 0.0
        case Effect() | Order():
            return claim.margin or 0.0
        case Spread():
            return 0.0


def _interaction(
    claim: Interaction, runs: Measure
) -> tuple[stats.Pairs, tuple[stats.Arm, stats.Arm]]:
    """Return (A - B) at C less (A - B) at D; the side that has fewer n/c runs is ahead."""
    other, *levels = claim.interaction
    (a, b), (c, d) = (runs.pair(*claim.compare, {**claim.at, other: (level,)}) for level in levels)
    at_c, at_d = (y.not_converged_settings - x.not_converged_settings for x, y in ((a, b), (c, d)))
    lead = at_c - at_d if runs.better == "higher" else at_d - at_c
    pairs = stats.paired([(1, a), (-1, b), (-1, c), (1, d)], lead)
    return pairs, (stats.stacked([a, c]), stats.stacked([b, d]))


def _spread(claim: Spread, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    """Compare variances between levels; where runs are n/c and count nothing, who lost more."""
    pairs = [
        runs.pair(*claim.compare, {**claim.at, claim.spread_over: (level,)})
        for level in runs.study.factor(claim.spread_over).level_names
    ]
    sides = list(zip(*pairs, strict=True))
    a, b = (np.stack([_scored(arm, runs, configs).means for arm in side]) for side in sides)
    evidence = stats.sensitivity(a, b, claim.expect)
    if evidence.test == "none":
        a_lost, b_lost = (stats.stacked(side).not_converged_settings for side in sides)
        if a_lost.any() or b_lost.any():
            evidence = stats.lost_more(a_lost, b_lost, claim.expect)
    arms = runs.pair(*claim.compare, claim.at)
    return Case(evidence, arms, unit=f"{runs.unit}²" if runs.unit else "")


def _scored(arm: stats.Arm, runs: Measure, configs: Mapping[str, RunConfig]) -> stats.Arm:
    """Return the arm with n/c runs at what guessing scores, where that is known."""
    guesses = [chance(runs.study, configs.get(cell), runs.name) for cell in arm.cells]
    shown = [np.nan if guess is None else runs.scale * guess for guess in guesses]
    column = np.array(shown or [np.nan])[:, None]
    return replace(arm, values=np.where(arm.not_converged, column, arm.values))


def _rate(claim: Rate, runs: Measure) -> Case:
    """Count replicates whose runs all do what is claimed, or the runs of each setting."""
    arm = runs.at(claim.at)
    does = arm.converged if claim.expect == "converges" else arm.not_converged
    there = ~arm.missing
    if claim.per == "setting":
        counts = zip(does.sum(axis=1), there.sum(axis=1), strict=True)
        evidence = stats.all_of([stats.rate(int(k), int(n), claim.rate) for k, n in counts])
    else:
        whole = there.all(axis=0)
        count = int((does.all(axis=0) & whole).sum())
        evidence = stats.rate(count, int(whole.sum()), claim.rate)
    return Case(evidence, (arm,), unit="share")


def _order(claim: Order, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    expect: Literal["greater", "less"] = "greater" if claim.direction == "up" else "less"
    levels = runs.study.factor(claim.over).level_names
    pairs = [runs.pair(claim.over, low, high, claim.at) for low, high in pairwise(levels)]
    steps = [
        stats.paired_effect(
            stats.pair_up(second, first, runs.better),
            expect,
            claim.margin or 0.0,
            choice_variance(runs, (first, second), configs),
        )
        for first, second in pairs
    ]
    arms = stats.stacked([pairs[0][0], *(second for _, second in pairs)])
    return Case(stats.all_of(steps), (arms,), unit=runs.unit)


def _follows(claim: Follows, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    """Compare the ratio of measured to predicted with 1 in every cell by itself."""
    arm, layer = runs.at(claim.at), runs.layer
    found = []
    for cell, values in zip(arm.cells, arm.values, strict=True):
        config = configs.get(cell)
        law = theory(config) if config and follows_theory(claim.follows, config) else None
        if law is None:
            raise ReportError(
                f"{claim.follows} says nothing of cell {cell}; fix the factors in at."
            )
        ratio = values / law.activation_std[layer - 1] - 1
        pairs = stats.Pairs(ratio, np.where(np.isnan(ratio), np.nan, 0.0))
        found.append(stats.paired_effect(pairs, "equal", claim.within))
    return Case(stats.all_of(found), (arm,), unit="share")
