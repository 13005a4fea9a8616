"""What a number of replicates can show, and how many it takes."""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy import special

from ablate.stats.arms import Pairs
from ablate.stats.two_parts import paired_effect

#: With which a difference should be shown where it is there.
POWER = 0.8
_MOST = 10_000  # pairs that anybody would train
_NODES = 200  # of the quadrature over the standard deviation of a sample
_STUDIES = 2_000  # simulated where there is no closed form


def power(effect: float, n: int, alpha: float) -> float:
    """Return how often n pairs show a true difference of `effect` standard deviations.

    The wrong side of the two-sided test, which shows the opposite, is not counted in. For a claim
    with a margin `effect` is what lies beyond it.
    """
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    shown = 1 - float(special.nctdtr(n - 1, effect * n**0.5, critical))
    if math.isnan(shown):  # far beyond what decides anything
        from scipy import stats  # a second to import, which reports do without

        shown = float(stats.nct.sf(critical, n - 1, effect * n**0.5))
    return shown


def detectable(n: int, alpha: float) -> float:
    """Return the difference that n pairs, three or more, show with 80 % power.

    In standard deviations of the pair differences.
    """
    from scipy import optimize  # half a second, which reports do without

    return float(optimize.brentq(lambda effect: power(effect, n, alpha) - POWER, 1e-3, 50.0))


def replicates_needed(effect: float, alpha: float) -> int | None:
    """Return the pairs that show `effect` standard deviations with 80 % power; None over 10,000."""
    return None if effect <= 0 else _fewest(lambda n: power(effect, n, alpha))


def equality_power(margin: float, n: int, alpha: float) -> float:
    """Return how often n pairs of equal arms are shown equal within `margin` standard deviations.

    Two one-sided tests, each at `alpha`: the mean lies within margin - t s/sqrt(n), integrated
    over the law of the sample's standard deviation s by its quantiles (midpoint rule).
    """
    shares = (np.arange(_NODES) + 0.5) / _NODES
    s = np.sqrt(special.chdtri(n - 1, 1 - shares) / (n - 1))
    room = margin * n**0.5 - special.stdtrit(n - 1, 1 - alpha) * s
    return float(np.maximum(0.0, 2 * special.ndtr(room) - 1).mean())


def equality_within(n: int, alpha: float) -> float:
    """Return the margin within which n pairs of equal arms are shown equal with 80 % power."""
    from scipy import optimize  # see `detectable`

    def lacking(margin: float) -> float:
        return equality_power(margin, n, alpha) - POWER

    return float(optimize.brentq(lacking, 1e-3, 1e3))


def replicates_for_equality(margin: float, alpha: float) -> int | None:
    """Return the pairs that show equal arms equal with 80 % power; None over 10,000."""
    return None if margin <= 0 else _fewest(lambda n: equality_power(margin, n, alpha))


def replicates_for_rate(rate: float, alpha: float) -> int | None:
    """Return the fewest replicates that can show a share above `rate`: where all of them do."""
    if not 0 < rate < 1:
        return None
    n = int(np.ceil(np.log(alpha / 2) / np.log(rate)))
    return n if n <= _MOST else None


def power_with_losses(effect: float, n: int, alpha: float, lost: float) -> float:
    """Return how often n pairs show `effect` standard deviations where runs are n/c.

    lost  the share of runs of both arms that are n/c, whichever they are

    The share of 2,000 simulated studies of normal differences, of a fixed seed: +- 1 point.
    """
    rng = np.random.default_rng(0)
    shown = 0
    for _ in range(_STUDIES):
        difference = effect + rng.standard_normal(n)
        a, b = rng.random((2, n)) < lost
        pairs = Pairs(np.where(a | b, np.nan, difference), b.astype(float) - a)
        shown += paired_effect(pairs, "greater", 0.0).p_supported <= alpha
    return shown / _STUDIES


def sd_range(sd: float, n: int) -> tuple[float, float]:
    """Return the 80 % interval of a standard deviation that n normal values gave."""
    low, high = special.chdtri(n - 1, (0.1, 0.9))
    return sd * float(np.sqrt((n - 1) / low)), sd * float(np.sqrt((n - 1) / high))


def least_p(n: int) -> float:
    """Return the smallest p that an exact two-sided test of n pairs can give."""
    return 2.0 ** (1 - n)


def _fewest(power_of: Callable[[int], float]) -> int | None:
    """Return the fewest pairs, three or more, whose power is 80 %; None over 10,000."""
    # Doubled until enough: what takes few pairs needs no law of thousands.
    enough = 3
    while power_of(enough) < POWER:
        if enough == _MOST:
            return None
        enough = min(2 * enough, _MOST)
    counts = range(3, enough + 1)
    return counts[bisect_left(counts, POWER, key=power_of)]
