"""What a number of pairs can show, and how many it takes: the power of a paired t."""

from bisect import bisect_left

from scipy import optimize, stats

#: With which a difference should be shown where it is there.
POWER = 0.8
_MOST = 10_000  # pairs that anybody would train


def power(effect: float, n: int, alpha: float) -> float:
    """Return how often n pairs show a true difference of `effect` standard deviations.

    The wrong side of the two-sided test, which shows the opposite, is not counted in.
    """
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    return float(stats.nct.sf(critical, n - 1, effect * n**0.5))


def detectable(n: int, alpha: float) -> float:
    """Return the difference that n pairs, three or more, show with 80 % power.

    In standard deviations of the pair differences.
    """
    return float(optimize.brentq(lambda effect: power(effect, n, alpha) - POWER, 1e-3, 50.0))


def replicates_needed(effect: float, alpha: float) -> int | None:
    """Return the pairs that show `effect` standard deviations with 80 % power; None over 10,000."""
    counts = range(3, _MOST + 1)
    if effect <= 0 or power(effect, _MOST, alpha) < POWER:
        return None
    return counts[bisect_left(counts, POWER, key=lambda n: power(effect, n, alpha))]


def least_p(n: int) -> float:
    """Return the smallest p that an exact two-sided test of n pairs can give."""
    return 2.0 ** (1 - n)
