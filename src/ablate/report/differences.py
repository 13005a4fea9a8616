"""The differences of arms that a claim is about, whatever is then told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ablate import stats
from ablate.report.run_arrays import Measure
from ablate.study.claims import Effect, Interaction, Order


@dataclass(frozen=True, eq=False)
class Difference:
    """A difference of arms of the same settings, replicate by replicate.

    arms, signs  each arm, and the sign that it has in the difference
    pairs        the replicates; see `ablate.stats.Pairs`
    """

    arms: tuple[stats.Arm, ...]
    signs: Sequence[int]
    pairs: stats.Pairs


def differences(claim: Effect | Order, runs: Measure) -> list[Difference]:
    """Return what a claim compares: A - B, of an order every level less the one before it.

    Of an interaction (A - B) at C less (A - B) at D; the side that has fewer n/c runs is ahead.
    """
    if isinstance(claim, Order):
        levels = runs.study.factor(claim.over).level_names
        steps = [runs.pair(claim.over, low, high, claim.at) for low, high in pairwise(levels)]
        return [_difference(high, low, runs) for low, high in steps]
    if not isinstance(claim, Interaction):
        return [_difference(*runs.pair(*claim.compare, claim.at), runs)]
    (factor, *pair), (other, *places) = claim.compare, claim.interaction
    a, b, c, d = runs.arms(
        [{factor: level, other: place} for place in places for level in pair], claim.at
    )
    at_c, at_d = (y.not_converged_settings - x.not_converged_settings for x, y in ((a, b), (c, d)))
    lead = at_c - at_d if runs.better == "higher" else at_d - at_c
    arms, signs = (a, b, c, d), (1, -1, -1, 1)
    return [Difference(arms, signs, stats.paired(list(zip(signs, arms, strict=True)), lead))]


def _difference(a: stats.Arm, b: stats.Arm, runs: Measure) -> Difference:
    return Difference((a, b), (1, -1), stats.pair_up(a, b, runs.better))


def expected(claim: Effect | Order) -> stats.Expect:
    """Return what each difference of a claim is expected to be."""
    if isinstance(claim, Effect):
        return claim.expect
    return "greater" if claim.direction == "up" else "less"
