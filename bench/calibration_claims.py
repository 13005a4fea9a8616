"""Claims of a simulated study, judged as `ablate` judges them, and how often they err."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ablate.stats import (
    ALPHA,
    Arm,
    Array,
    Evidence,
    Expect,
    all_of,
    compare_all,
    holm_levels,
    is_uneven,
    noise,
    pair_up,
    paired_effect,
    rate,
    sensitivity,
)

from .calibration_runs import GUESS, TOGETHER, Scenario, all_converge, draw

LEVELS = 3
#: Margin of the claim of equality; the truth lies on it.
EQUAL = 1.0
ONE_LEVEL = "effect at one level"


@dataclass(frozen=True, eq=False)
class Simulated:
    """A claim of a simulated study.

    truth    the number that its interval should hold
    outside  whether it is false by so little that a refutation is no error: an equality, whose
             truth lies just outside its margin. Other claims are at a boundary of both verdicts.
    """

    evidence: Evidence
    truth: float
    outside: bool = False

    def errs(self, level: float) -> bool:
        """Tell whether a verdict at a level is wrong."""
        return (self.evidence.p_supported if self.outside else self.evidence.p) <= level


def effect(arms: tuple[Arm, Arm], expect: Expect, margin: float) -> Evidence:
    """Return the evidence of a claim that compares two arms."""
    return paired_effect(pair_up(*arms, "higher"), expect, margin)


def spread(arms: tuple[Arm, Arm]) -> Evidence:
    """Return the evidence of a claim on the spread between levels."""
    a, b = (_scored(one) for one in arms)
    return sensitivity(a, b, "less")


def spread_over_replicates(arms: tuple[Arm, Arm]) -> Evidence:
    """Return the evidence of a claim on the standard deviation between replicates."""
    a, b = (one.values for one in arms)
    return noise(a, b, "less", 0.0)


def order(one: Arm) -> Evidence:
    """Return the evidence that every level is above the one before it."""
    rows = rows_of(one)
    return all_of([effect((b, a), "greater", 0.0) for a, b in itertools.pairwise(rows)])


def converges(one: Arm, share: float) -> Evidence:
    """Return the evidence that all runs of a replicate converge in more than a share of them."""
    return rate(int(one.converged.all(axis=0).sum()), one.values.shape[1], share)


def converges_in_each(one: Arm, share: float) -> Evidence:
    """Return the evidence that in every setting more than a share of the runs converge."""
    return all_of([rate(int(row.sum()), len(row), share) for row in one.converged])


def table(arms: tuple[Arm, Arm]) -> float:
    """Return the least p that a table's column of four cells prints, adjusted by Holm."""
    cells = [row for one in arms for row in rows_of(one)[:2]]
    found = (pair.p_adjusted for pair in compare_all(cells, "higher"))
    return min((p for p in found if p is not None), default=1.0)


def rows_of(one: Arm) -> list[Arm]:
    """Return the levels of an arm as arms of their own."""
    return [Arm(v[None], nc[None]) for v, nc in zip(one.values, one.not_converged, strict=True)]


def _scored(one: Arm) -> Array:
    """Return the runs of an arm, those that are n/c as guessing."""
    return np.where(one.not_converged, GUESS, one.values)


def study(
    rng: np.random.Generator, scenario: Scenario, n: int
) -> tuple[dict[str, Simulated], tuple[Arm, Arm], tuple[Arm, Arm]]:
    """Return the claims of a study, all false or true at their boundary, by kind.

    And the arms of the claim on several levels, which a table shows too, and of that on one.
    """
    nothing, slope = [0.0] * LEVELS, [float(level) for level in range(LEVELS)]
    main = draw(rng, scenario, n, (nothing, nothing))
    one = draw(rng, scenario, n, ([0.0], [0.0]))
    edge = draw(rng, scenario, n, ([0.0], [EQUAL]), same=False)
    even = draw(rng, scenario, n, (nothing, nothing), noise=1.0)
    claims = {
        ONE_LEVEL: Simulated(effect(one, "less", 0.0), 0.0),
        "mean over levels": Simulated(effect(main, "greater", 0.0), 0.0),
        "equality": Simulated(effect(edge, "equal", EQUAL), -EQUAL, outside=True),
        "spread": Simulated(spread(draw(rng, scenario, n, (slope, slope), same=False)), 0.0),
        "order": Simulated(order(main[0]), 0.0),
        "noise": Simulated(spread_over_replicates(even), 0.0),
    }
    if scenario.lost[0]:
        share = all_converge(scenario.lost[0], LEVELS, _latent(scenario))
        claims["rate"] = Simulated(converges(main[0], share), share)
    return claims, main, one


def _latent(scenario: Scenario) -> float:
    """Return the correlation of what decides which runs of a replicate are n/c."""
    return {"any": 0.0, "worst": scenario.shared, "together": TOGETHER}[scenario.which]


@dataclass(frozen=True)
class Shares:
    """What was found in simulated studies of one scenario and one number of replicates.

    wrong     share of studies with a wrong verdict: by kind of claim alone, and of the family
    one, all  share in which the 95 % interval of an effect at one level holds the truth, and in
              which all intervals do, each at 5 % by the number of claims
    warned    share in which the page says of the effect at one level that its differences are
              uneven
    unwarned  share with a wrong verdict on it that the page does not warn of
    """

    wrong: dict[str, float]
    one: float
    all: float
    warned: float
    unwarned: float


def errors(scenario: Scenario, n: int, studies: int, seed: int) -> Shares:
    """Simulate studies in which every verdict is an error.

    A table is a family of its own: it errs where it tells any two of its cells apart.
    """
    rng = np.random.default_rng(seed)
    wrong: Counter[str] = Counter()
    one_holds = all_hold = warned = unwarned = intervals = 0
    for _ in range(studies):
        claims, main, one = study(rng, scenario, n)
        wrong.update({kind: claim.errs(ALPHA) for kind, claim in claims.items()})
        wrong["family"] += any_errs(list(claims.values()))
        wrong["table"] += table(main) <= ALPHA
        if claims[ONE_LEVEL].evidence.interval is not None:
            intervals += 1
            one_holds += holds(claims[ONE_LEVEL], ALPHA)
        all_hold += hold_together(list(claims.values()))
        difference = pair_up(*one, "higher").difference
        uneven = any(is_uneven(difference[np.isfinite(difference)]))
        warned += uneven
        unwarned += claims[ONE_LEVEL].evidence.p <= ALPHA and not uneven
    shares = {kind: count / studies for kind, count in wrong.items()}
    covered = one_holds / intervals if intervals else float("nan")
    return Shares(shares, covered, all_hold / studies, warned / studies, unwarned / studies)


def any_errs(claims: Sequence[Simulated]) -> bool:
    """Tell whether any verdict of a family is wrong, each judged at its step of Holm's."""
    levels = holm_levels([claim.evidence.p for claim in claims], ALPHA)
    return any(claim.errs(level) for claim, level in zip(claims, levels, strict=True))


def hold_together(claims: Sequence[Simulated]) -> bool:
    """Tell whether every interval that is printed holds its truth."""
    return all(holds(claim, ALPHA / len(claims)) for claim in claims)


def holds(claim: Simulated, alpha: float) -> bool:
    """Tell whether the interval of a claim holds the truth; one without an interval does."""
    low, high = claim.evidence.limits(alpha)
    return low is None or high is None or low <= claim.truth <= high


def rate_errors(
    lost: float, correlation: float, n: int, studies: int, seed: int
) -> tuple[float, float]:
    """Return how often a rate over three cells is decided where it is true at its boundary.

    correlation  of the latent scores of one replicate, whose lower tail is n/c

    The share of replicates whose runs all converge, and the share of runs of each setting.
    """
    rng = np.random.default_rng(seed)
    share = all_converge(lost, LEVELS, correlation)
    together = each = 0
    for _ in range(studies):
        common, own = rng.standard_normal(n), rng.standard_normal((LEVELS, n))
        latent = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
        not_converged = latent < special.ndtri(lost)
        one = Arm(np.where(not_converged, np.nan, 0.0), not_converged)
        together += converges(one, share).p <= ALPHA
        each += converges_in_each(one, 1 - lost).p <= ALPHA
    return together / studies, each / studies


@dataclass(frozen=True)
class Family:
    """Ten claims of one study, that A is better by more than nothing or equal within a margin.

    sizes  true differences in standard deviations of a run; the margin of an equality is its own
    """

    name: str
    sizes: tuple[float, ...]
    equal: bool = False


def family_errors(family: Family, n: int, studies: int, seed: int) -> tuple[float, float]:
    """Return the shares of studies with a wrong verdict, and in which all intervals hold."""
    rng = np.random.default_rng(seed)
    wrong = together = 0
    zeros, normal = [0.0] * len(family.sizes), Scenario("")
    for _ in range(studies):
        a, b = (rows_of(one) for one in draw(rng, normal, n, (family.sizes, zeros)))
        claims = [_of_family(family, *one) for one in zip(a, b, family.sizes, strict=True)]
        wrong += any_errs(claims)
        together += hold_together(claims)
    return wrong / studies, together / studies


def _of_family(family: Family, a: Arm, b: Arm, size: float) -> Simulated:
    if family.equal:
        return Simulated(effect((a, b), "equal", size), size, outside=True)
    # Of a true claim the verdict that errs is the other.
    return Simulated(effect((a, b), "less" if size else "greater", 0.0), size, outside=size > 0)
