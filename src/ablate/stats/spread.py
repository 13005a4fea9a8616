"""How much a metric varies, between levels or between replicates, and which arm's does more."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ablate.stats.arms import Pairs
from ablate.stats.evidence import NOTHING, Evidence, Expect, p_values
from ablate.stats.intervals import Array, estimate, is_constant
from ablate.stats.two_parts import paired_effect, sign_p


def sensitivity(a: Array, b: Array, expect: Expect) -> Evidence:
    """Return the evidence on the spread between levels: that of arm A less that of arm B.

    a, b  (levels, R) the metric; nothing is said where a run has none

    The noise-corrected variances between levels (`between_variance`), their difference judged by
    a t on jackknife pseudo-values over replicates.
    """
    if a.shape[1] < 3 or len(a) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return NOTHING
    return _by_jackknife(between_variance, a, b, expect, 0.0)


def lost_more(a_lost: Array, b_lost: Array, expect: Expect) -> Evidence:
    """Return the evidence that A loses more runs than B, replicate by replicate.

    a_lost, b_lost  (R,) how many runs are n/c

    It stands for a spread where nobody knows what a run that is n/c counts: losing levels is
    being sensitive. An exact sign test.
    """
    more, fewer = int((a_lost > b_lost).sum()), int((a_lost < b_lost).sum())
    p = sign_p(more, fewer) if more != fewer else 1.0
    found = (p, 1.0) if more > fewer else (1.0, p)
    supported, refuted = {"greater": found, "less": found[::-1], "equal": (1.0, p)}[expect]
    return Evidence("sign", len(a_lost), None, None, supported, refuted)


def noise(a: Array, b: Array, expect: Expect, margin: float) -> Evidence:
    """Return the evidence on a standard deviation between replicates: that of A less that of B.

    a, b  (S, R) the metric, NaN where a run is n/c; the variance is the mean over settings

    A t on jackknife pseudo-values over replicates, of the difference of standard deviations: it
    was simulated to keep its level better than that of the ratio. Replicates that share random
    numbers are left out together. Where runs are n/c an outcome has two parts (`paired_effect`):
    how noisy those are that converged, and which arm lost more, which makes it the noisier.
    Scored as guessing, a few n/c runs make a deviation that was simulated to decide wrongly in up
    to 19 % of studies.
    """
    lost = np.isnan(a).sum(axis=0) - np.isnan(b).sum(axis=0)
    both = np.isfinite(a).any(axis=0) & np.isfinite(b).any(axis=0)
    n = int(both.sum())
    pseudo = np.full(a.shape[1], np.nan)
    if n > 2:
        found = _at_once(_deviation, a[:, both], b[:, both])
        if np.isfinite(found).all():
            pseudo[both] = found
    evidence = paired_effect(Pairs(pseudo, lost.astype(float)), expect, margin)
    test = "jackknife t" if evidence.test == "paired t" else evidence.test
    return replace(evidence, test=test, sd=None)


def deviation(values: Array) -> float:
    """Return the standard deviation between replicates of (S, R): variances averaged over S.

    NaN, a run that is n/c, is left out, and a setting of fewer than two runs with it.
    """
    return float(_deviation(values))


def _deviation(values: Array) -> Array:
    """Return the `deviation` of values (..., S, R): (...); NaN where no setting has two runs."""
    there = np.isfinite(values)
    counts = there.sum(axis=-1, keepdims=True)
    means = np.where(there, values, 0.0).sum(axis=-1, keepdims=True) / np.maximum(counts, 1)
    squares = (np.where(there, values - means, 0.0) ** 2).sum(axis=-1)
    # The mean of equal numbers may be another one by rounding, and they do not differ at all.
    first = np.where(there, values, np.inf).min(axis=-1, keepdims=True)
    squares = np.where((~there | (values == first)).all(axis=-1), 0.0, squares)
    freedom = counts[..., 0] - 1
    variances = np.where(freedom > 0, squares / np.maximum(freedom, 1), 0.0).sum(axis=-1)
    settings = (freedom > 0).sum(axis=-1)
    unknown = np.full(settings.shape, np.nan)
    return np.asarray(np.sqrt(np.divide(variances, settings, out=unknown, where=settings > 0)))


def between_variance(values: Array) -> Array:
    """Return the variance between levels (..., L, R) without that of single runs: (...).

    The mean over pairs of different replicates r, s of sum_l (y_lr - m_r)(y_ls - m_s)/(L - 1):
    noise that is independent between replicates drops out, so its expectation is the variance of
    the levels' true means, whatever the noise. It may be negative.
    """
    levels, replicates = values.shape[-2:]
    centred = values - values.mean(axis=-2, keepdims=True)
    together = (centred.sum(axis=-1) ** 2).sum(axis=-1)
    alone = (centred**2).sum(axis=(-2, -1))
    return np.asarray((together - alone) / (replicates * (replicates - 1) * (levels - 1)))


def jackknife(estimate: Callable[[npt.NDArray[np.intp]], float], n: int) -> Array:
    """Return the pseudo-values n t - (n - 1) t_without_i of an estimate t (Tukey 1958)."""
    without = np.array([estimate(keep) for keep in _without_one(n)])
    return np.asarray(n * estimate(np.arange(n)) - (n - 1) * without)


def _without_one(n: int) -> npt.NDArray[np.intp]:
    """Return the indices up to n without each of them, (n, n - 1)."""
    everything = np.arange(n - 1)
    return np.asarray(everything + (everything >= np.arange(n)[:, None]))


def _by_jackknife(
    statistic: Callable[[Array], Array], a: Array, b: Array, expect: Expect, margin: float
) -> Evidence:
    """Return the evidence of a t on jackknife pseudo-values of a statistic of A less that of B."""
    n, pseudo = a.shape[1], _at_once(statistic, a, b)
    if is_constant(pseudo):
        return Evidence("jackknife t", n, float(pseudo.mean()), None, 1.0, 1.0)
    found = estimate(pseudo)
    p = p_values(found, expect, margin)
    return Evidence("jackknife t", n, found.mean, found.interval, *p, None, n)


def _at_once(statistic: Callable[[Array], Array], a: Array, b: Array) -> Array:
    """Return the jackknife pseudo-values (R,) of a statistic of A less that of B, (S, R) each.

    statistic  of (..., S, R): all samples without one replicate are taken together
    """
    n = a.shape[1]
    keep = _without_one(n)
    without = [statistic(np.moveaxis(arm[:, keep], 1, 0)) for arm in (a, b)]
    return np.asarray(n * (statistic(a) - statistic(b)) - (n - 1) * (without[0] - without[1]))
