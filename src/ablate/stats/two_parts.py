"""Two arms compared replicate by replicate: an outcome in two parts where runs are n/c."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from ablate.stats.arms import Pairs
from ablate.stats.evidence import (
    GUARD,
    NOTHING,
    Evidence,
    Expect,
    Located,
    Sides,
    TwoParts,
    p_values,
)
from ablate.stats.intervals import (
    ALPHA,
    LEAST_REPLICATES,
    Array,
    Constant,
    Estimate,
    estimate,
    is_constant,
)

#: With fewer pairs that converged in both arms, who lost fewer runs is all that is judged.
_LEAST_PAIRS = 3


def paired_effect(
    pairs: Pairs, expect: Expect, margin: float, extra: tuple[float, float] = (0.0, np.inf)
) -> Evidence:
    """Return the evidence on a mean difference A - B.

    margin  A is expected to be greater by more than it, less by more, or equal within it
    extra   a variance of the mean that differences do not show, and its degrees of freedom

    A paired t against the margin where every run converged. Where runs are n/c an outcome has two
    parts: the t of the pairs that converged in both, and who lost fewer runs, the mid-p of a fair
    coin. Their z values are weighted by the roots of the replicates behind them (Stouffer;
    Liptak 1958), and nothing is decided for an arm that either part alone speaks against at 10 %
    one-sided. Differences without any spread are judged by an exact sign test. Effect and interval
    are those of the pairs that converged in both.
    """
    difference = pairs.difference[np.isfinite(pairs.difference)]
    says = np.isfinite(pairs.difference) | (np.nan_to_num(pairs.lead) != 0)
    n, total = len(difference), int(says.sum())
    if total < 2:
        return NOTHING
    constant = is_constant(difference)
    found = (
        Constant(float(difference[0]) if n else 0.0, n) if constant else estimate(difference, extra)
    )
    parts, (supported, refuted) = weighed(found, pairs, expect, margin)
    alone = constant or (parts is not None and n < _LEAST_PAIRS)
    return Evidence(
        test="sign" if alone else "two parts" if parts else "paired t",
        n=total,
        effect=float(difference.mean()) if n else None,
        interval=found.interval if isinstance(found, Estimate) else None,
        p_supported=supported,
        p_refuted=refuted,
        sd=None if constant else float(difference.std(ddof=1)),
        n_effect=n,
        parts=parts,
    )


def weighed(
    found: Located, pairs: Pairs, expect: Expect, margin: float
) -> tuple[TwoParts | None, tuple[float, float]]:
    """Return the p values for and against: of a mean, weighed with who lost fewer runs.

    found  the mean of the pairs that converged in both
    """
    fewer = int((pairs.lead > 0).sum()), int((pairs.lead < 0).sum())
    if not any(fewer):
        return None, p_values(found, expect, margin)
    n = int(np.isfinite(pairs.difference).sum())
    return _in_two_parts(found, n, fewer, expect, margin)


def _in_two_parts(
    found: Located, n: int, fewer: tuple[int, int], expect: Expect, margin: float
) -> tuple[TwoParts, tuple[float, float]]:
    """Return both parts, and the p values of the whole: for and against."""
    a, b = fewer

    def up(bound: float) -> _Way:
        return _one_way(found.above(bound), n, a, b)

    def down(bound: float) -> _Way:
        return _one_way(found.below(bound), n, b, a)

    match expect:
        case "greater":
            supports, refutes = [up(margin)], [down(margin)]
        case "less":
            supports, refutes = [down(-margin)], [up(-margin)]
        case "equal":
            supports, refutes = [up(-margin), down(margin)], [up(margin), down(-margin)]
    quality = Sides(max(one.quality for one in supports), min(one.quality for one in refutes))
    coins = Sides(max(one.convergence for one in supports), min(one.convergence for one in refutes))
    opposed = [(quality.supports, coins.refutes), (quality.refutes, coins.supports)]
    if expect == "equal":  # or they find the arms to differ in opposite directions
        one, other = refutes
        opposed += [(one.quality, other.convergence), (other.quality, one.convergence)]
    parts = TwoParts(quality, coins, fewer, any(max(pair) <= GUARD for pair in opposed))
    whole = max(one.p for one in supports), min(1.0, 2 * min(one.p for one in refutes))
    return parts, (whole[0] if expect == "equal" else min(1.0, 2 * whole[0]), whole[1])


@dataclass(frozen=True)
class _Way:
    """One-sided p values of one direction: of each part, and of both together."""

    quality: float
    convergence: float
    p: float


def _one_way(quality: float, n: int, fewer: int, more: int) -> _Way:
    """Weigh the p of n pairs and that of fair coins, of which `fewer` fell this way.

    The whole is 1 where either part alone speaks for the other direction.
    """
    coins = fewer + more
    exact = float(special.bdtrc(fewer - 1, coins, 0.5)) if fewer else 1.0
    if n < _LEAST_PAIRS:
        return _Way(0.5, exact, exact)
    middle = exact - 0.5 * math.comb(coins, fewer) * 0.5**coins
    z = np.sqrt(n) * special.ndtri(quality) + np.sqrt(coins) * special.ndtri(middle)
    against = max(quality, middle) >= 1 - GUARD
    return _Way(quality, middle, 1.0 if against else float(special.ndtr(z / np.sqrt(n + coins))))


def sign_flip(difference: Array) -> float | None:
    """Return the exact two-sided p of a mean difference under random signs, None without pairs.

    All 2^n signs up to n = 16, and the t's answer beyond: they agree there.
    """
    n = len(difference)
    if n < 2:
        return None
    if n > 16:
        # As scipy.stats has it to the bit, which is a second to import.
        variance = difference.var() * (n / (n - 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = difference.mean() / np.sqrt(variance / n)
        return 2 * float(special.stdtr(n - 1, -abs(t)))
    # As scipy's permutation_test, which takes seconds for what takes milliseconds here.
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sums = np.abs(signs @ difference)
    # What is equal but for rounding is equal.
    return float((sums >= np.abs(difference.sum()) * (1 - 1e-9)).mean())


def is_uneven(difference: Array) -> tuple[bool, bool]:
    """Tell whether a few of six differences or more may have made their mean, in two ways.

    One lies more than six standard deviations from the median, a standard deviation being 1.4826
    times the median of what they deviate (Hampel 1974); and of a t and exact random signs one
    alone tells the mean from zero at 5 %. Where a few runs get stuck at a bad level that counts as
    converged no test of a mean keeps its level, and what is not in the sample cannot be seen here.
    """
    if len(difference) < LEAST_REPLICATES or is_constant(difference):
        return False, False
    found, flips = estimate(difference), sign_flip(difference)
    apart = np.abs(difference - np.median(difference))
    usual = 1.4826 * float(np.median(apart))
    far = 0 < 6 * usual < float(apart.max())
    t_tells = 2 * min(found.above(0.0), found.below(0.0)) <= ALPHA
    return far, (flips is not None and flips <= ALPHA) != t_tells


def chance_of_better(difference: Array) -> float | None:
    """Return P(A > B) over pairs, a tie counting half; None without pairs."""
    if not len(difference):
        return None
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def sign_p(ahead: int, behind: int) -> float:
    """Return the exact two-sided p of a sign test; ties do not count.

    Of runs that converged in one arm alone it is McNemar's (1947).
    """
    # In closed form: scipy's binomtest takes milliseconds, and a table has hundreds of pairs.
    return min(1.0, 2 * float(special.bdtr(min(ahead, behind), ahead + behind, 0.5)))
