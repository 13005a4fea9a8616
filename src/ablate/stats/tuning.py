"""What the choice among tried values adds to the variance of a mean, by a bootstrap of tuning.

All scored replicates of a cell share one choice, so their spread does not show how the mean would
move had tuning chosen otherwise.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ablate.stats.intervals import Array

#: With fewer tuning replicates nothing can be said of how sure a choice is.
LEAST_TUNING_REPLICATES = 3
#: Up to so many replicates every resample is counted; beyond, so many are drawn.
_COUNTED, _DRAWN = 6, 2000

#: Of one tuned setting: scores (V values, T tuning replicates), the larger the better, and what the
#: metric is at each value (V,), NaN where no run converged.
Tried = tuple[Array, Array]


def tuning_variance(arms: Sequence[Sequence[Tried]]) -> tuple[float, float] | None:
    """Return the variance that tuning adds to a sum or difference of arms, and its freedom.

    arms  the tuned settings of each, whose mean is taken; all with the same T

    Tuning replicates are resampled, all settings of an arm together as they draw the same random
    numbers; each resample chooses the value of the best mean score, the first of equals, and has
    the metric at that value. The variance of the arm's mean over resamples is multiplied by
    T/(T - 1), as a mean of T resampled from T varies too little; those of the arms are added, and
    the degrees of freedom are T - 1. None with fewer than three tuning replicates.
    """
    settings = [tried for arm in arms for tried in arm]
    replicates = min((scores.shape[1] for scores, _ in settings), default=0)
    if replicates < LEAST_TUNING_REPLICATES:
        return None
    shares, weights = _resamples(replicates)
    total = sum(_variance([_chosen(*tried, shares) for tried in arm], weights) for arm in arms)
    return total * replicates / (replicates - 1), replicates - 1.0


def _chosen(scores: Array, metric: Array, shares: Array) -> Array:
    """Return the metric at the value that each resample chooses, (B,)."""
    found: Array = metric[(shares @ scores.T).argmax(axis=1)]
    return found


def _variance(chosen: Sequence[Array], weights: Array) -> float:
    """Return the variance over resamples of the mean over settings; resamples without are left out.

    0 where no resample has a mean.
    """
    means = np.mean(chosen, axis=0)
    known = np.isfinite(means)
    if not known.any():
        return 0.0
    weights = weights[known] / weights[known].sum()
    center = weights @ means[known]
    return float(weights @ (means[known] - center) ** 2)


def _resamples(replicates: int) -> tuple[Array, Array]:
    """Return the share of each replicate in each resample (B, T), and its probability (B,)."""
    if replicates > _COUNTED:
        even = np.full(replicates, 1 / replicates)
        counts = np.random.default_rng(0).multinomial(replicates, even, size=_DRAWN)
        return counts / replicates, np.full(_DRAWN, 1 / _DRAWN)
    drawn = itertools.combinations_with_replacement(range(replicates), replicates)
    counts = np.array([np.bincount(one, minlength=replicates) for one in drawn])
    ways = [
        math.factorial(replicates) / math.prod(map(math.factorial, row)) for row in counts.tolist()
    ]
    return counts / replicates, np.array(ways) / replicates**replicates
