"""From a claim and the runs it speaks of to evidence: one function per form of claim."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ablate import stats
from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.lessons.signal import theory
from ablate.report.circumstances import chance
from ablate.report.differences import differences, expected
from ablate.report.run_arrays import Measure
from ablate.report.tuning_noise import choice_variance
from ablate.study.claim_check import follows_theory
from ablate.study.claims import Claim, Effect, Follows, Noise, Order, Rate, Spread
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
            values = arms[0].values, arms[1].values
            evidence = stats.noise(*values, claim.expect, margin_of(claim, runs.study))
            return Case(evidence, arms, unit=runs.unit)
    (found,) = differences(claim, runs)
    # Of an interaction those of both levels of the other factor.
    a, b = (stats.stacked(found.arms[side::2]) for side in (0, 1))
    difference = found.pairs.difference[np.isfinite(found.pairs.difference)]
    margin, extra = margin_of(claim, runs.study), choice_variance(runs, found.arms, configs)
    evidence = stats.paired_effect(found.pairs, claim.expect, margin, extra)
    return Case(evidence, (a, b), difference, runs.unit)


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
    steps = differences(claim, runs)
    found = [
        stats.paired_effect(
            step.pairs,
            expected(claim),
            claim.margin or 0.0,
            choice_variance(runs, step.arms, configs),
        )
        for step in steps
    ]
    arms = stats.stacked([steps[0].arms[1], *(step.arms[0] for step in steps)])
    return Case(stats.all_of(found), (arms,), unit=runs.unit)


def _predicted(claim: Follows, cell: str, config: RunConfig | None, layer: int) -> float:
    """Return what the theory says of a cell; raises ReportError where it says nothing."""
    if claim.follows == "equal_layers":
        return 1.0
    law = theory(config) if config and follows_theory(claim.follows, config) else None
    if law is None:
        raise ReportError(f"{claim.follows} says nothing of cell {cell}; fix the factors in at.")
    return float(law.activation_std[layer - 1])


def _follows(claim: Follows, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    """Compare the ratio of measured to predicted with 1 in every cell by itself."""
    arm, layer = runs.at(claim.at), runs.layer
    found = []
    for cell, values in zip(arm.cells, arm.values, strict=True):
        ratio = values / _predicted(claim, cell, configs.get(cell), layer) - 1
        pairs = stats.Pairs(ratio, np.where(np.isnan(ratio), np.nan, 0.0))
        found.append(stats.paired_effect(pairs, "equal", claim.within))
    return Case(stats.all_of(found), (arm,), unit="share")
