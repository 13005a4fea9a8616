"""Evidence for a claim, as arithmetic: p values for it and against it, and an interval.

Pure functions of arrays. Replicate r is paired with replicate r. Whatever the claim, the evidence
has the same form, so that a family of claims can be adjusted together: a claim is supported at
level alpha when `p_supported` <= alpha, refuted when `p_refuted` <= alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Expect = Literal["greater", "less", "equal"]

#: Differences closer than this, relative to their size, are equal: their t would be a fiction.
_EQUAL = 1e-12


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the runs say of one claim.

    test         what the p values come from
    n            pairs of replicates (or runs) behind them
    effect       estimate in the claim's unit; None without one
    interval     alpha -> its two-sided 1 - alpha interval; None where there is none
    p_supported  the smallest level at which the claim is supported; 1: at none
    p_refuted    likewise refuted
    sd           of the differences, for planning; None where it means nothing
    n_effect     pairs behind the effect: those that converged in both
    """

    test: Literal["paired t", "sign", "jackknife t", "binomial", "none"]
    n: int
    effect: float | None
    interval: Callable[[float], tuple[float, float]] | None
    p_supported: float
    p_refuted: float
    sd: float | None = None
    n_effect: int = 0

    @property
    def p(self) -> float:
        """The smallest level at which the claim is decided either way."""
        return min(self.p_supported, self.p_refuted)


NOTHING = Evidence("none", 0, None, None, 1.0, 1.0)


def paired_effect(
    difference: Array,
    wins: int,
    losses: int,
    expect: Expect,
    margin: float,
    given: Array | None = None,
) -> Evidence:
    """Return the evidence on a mean difference A - B.

    difference    of the pairs that both converged, (n,)
    wins, losses  pairs of which one run alone converged: A's, B's
    given         differences that the effect is estimated from, where they are others
    margin        A is expected to be greater by more than it, less by more, or equal within it

    A paired t against the margin where all pairs converged. Where any is n/c an exact sign test
    on all pairs: an n/c run loses, whatever the margin; leaving out the pairs that one cell lost
    would flatter that cell. The effect and its interval are given convergence in both.
    """
    if given is not None and wins + losses:
        shown = paired_effect(given, 0, 0, expect, margin)
        supported, refuted = _by_signs(difference, wins, losses, expect, margin)
        total = len(difference) + wins + losses
        return Evidence(
            "sign" if total > 1 else "none", total, shown.effect, shown.interval, supported,
            refuted, shown.sd, len(given),
        )  # fmt: skip
    n = len(difference)
    total = n + wins + losses
    if total < 2:
        return NOTHING
    spread = float(np.ptp(difference)) if n else 0.0
    constant = n < 2 or spread <= _EQUAL * float(np.abs(difference).max())
    effect = float(difference.mean()) if n else None
    sd = None if constant else float(difference.std(ddof=1))
    interval = None if constant else _t_interval(difference)
    if wins + losses:
        supported, refuted = _by_signs(difference, wins, losses, expect, margin)
        return Evidence("sign", total, effect, interval, supported, refuted, sd, n)
    if constant:
        return Evidence("paired t", total, effect, None, 1.0, 1.0, None, n)
    supported, refuted = _by_t(difference, expect, margin)
    return Evidence("paired t", total, effect, interval, supported, refuted, sd, n)


def sensitivity(a: Array, b: Array, a_lost: Array, b_lost: Array, expect: Expect) -> Evidence:
    """Return the evidence on the spread between levels: that of arm A less that of arm B.

    a, b            (levels, R) the metric
    a_lost, b_lost  (R,) how many levels of the replicate are n/c in each arm

    Where nothing is n/c: the noise-corrected variances between levels (`between_variance`), their
    difference judged by a t on jackknife pseudo-values over replicates. Where runs are n/c: an
    exact sign test on which arm lost more levels; the variances are then not compared at all.
    """
    replicates = a.shape[1]
    if a_lost.any() or b_lost.any():
        more, fewer = int((a_lost > b_lost).sum()), int((a_lost < b_lost).sum())
        # Losing levels is being sensitive: A loses more, so its spread is the greater.
        supported, refuted = _by_signs(np.empty(0), more, fewer, expect, 0.0)
        return Evidence("sign", replicates, None, None, supported, refuted)
    if replicates < 3 or len(a) < 2:
        return NOTHING
    pseudo = jackknife(lambda keep: between_variance(a[:, keep]) - between_variance(b[:, keep]),
                       replicates)  # fmt: skip
    return _by_jackknife(pseudo, expect, 0.0)


def noise(a: Array, b: Array, expect: Expect, margin: float) -> Evidence:
    """Return the evidence on a standard deviation between replicates: that of A less that of B.

    a, b  (S, R) the metric; the variance is the mean over settings

    A t on jackknife pseudo-values over replicates, of the difference of standard deviations: it
    was simulated to keep its level better than that of the ratio. Replicates that share random
    numbers are left out together. A run that is lost has no value, and then nothing is compared.
    """
    replicates = a.shape[1]
    if replicates < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return NOTHING
    pseudo = jackknife(lambda keep: deviation(a[:, keep]) - deviation(b[:, keep]), replicates)
    return _by_jackknife(pseudo, expect, margin)


def deviation(values: Array) -> float:
    """Return the standard deviation between replicates of (S, R): variances averaged over S.

    NaN, a run that is lost, is left out, and a setting of fewer than two runs with it.
    """
    enough = values[np.isfinite(values).sum(axis=1) > 1]
    return float(np.sqrt(np.nanvar(enough, axis=1, ddof=1).mean())) if len(enough) else np.nan


def between_variance(values: Array) -> float:
    """Return the variance between levels (L, R) without that of single runs.

    The mean over pairs of different replicates r, s of sum_l (y_lr - m_r)(y_ls - m_s)/(L - 1):
    noise that is independent between replicates drops out, so its expectation is the variance of
    the levels' true means, whatever the noise. It may be negative.
    """
    levels, replicates = values.shape
    centred = values - values.mean(axis=0)
    together = float((centred.sum(axis=1) ** 2).sum())
    alone = float((centred**2).sum())
    return float((together - alone) / (replicates * (replicates - 1) * (levels - 1)))


def jackknife(estimate: Callable[[npt.NDArray[np.intp]], float], n: int) -> Array:
    """Return the pseudo-values n t - (n - 1) t_without_i of an estimate t (Tukey 1958)."""
    everything = np.arange(n)
    whole = estimate(everything)
    without = np.array([estimate(np.delete(everything, i)) for i in range(n)])
    return np.asarray(n * whole - (n - 1) * without)


def rate(successes: int, n: int, expected: float) -> Evidence:
    """Return the evidence that a share is above `expected`, with Clopper and Pearson's interval."""
    if not n:
        return NOTHING
    test = stats.binomtest(successes, n, expected)

    def interval(alpha: float) -> tuple[float, float]:
        found = test.proportion_ci(1 - alpha, method="exact")
        return float(found.low), float(found.high)

    # Doubled tails, as the interval has them.
    above = min(1.0, 2 * float(stats.binom.sf(successes - 1, n, expected)))
    below = min(1.0, 2 * float(stats.binom.cdf(successes, n, expected)))
    return Evidence("binomial", n, successes / n, interval, above, below, None, n)


def in_order(steps: Sequence[Evidence]) -> Evidence:
    """Return the evidence that every one of several steps goes the expected way.

    All must be shown, each at the full level (intersection-union: Berger 1982); one that goes the
    other way refutes it, at a level shared by all (Bonferroni). The step shown is the weakest.
    """
    if not steps or any(step.test == "none" for step in steps):
        return NOTHING
    weakest = max(steps, key=lambda step: step.p_supported)
    refuted = min(1.0, len(steps) * min(step.p_refuted for step in steps))
    return Evidence(
        weakest.test, weakest.n, weakest.effect, weakest.interval, weakest.p_supported, refuted,
        weakest.sd, weakest.n_effect,
    )  # fmt: skip


def sign_flip(difference: Array) -> float | None:
    """Return the exact two-sided p of a mean difference under random signs, None without pairs.

    All 2^n signs up to n = 16, and the t's answer beyond: they agree there.
    """
    n = len(difference)
    if n < 2:
        return None
    if n > 16:
        return float(stats.ttest_1samp(difference, 0.0).pvalue)
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sums = np.abs(signs @ difference)
    # What is equal but for rounding is equal.
    return float((sums >= np.abs(difference.sum()) * (1 - 1e-9)).mean())


def chance_of_better(difference: Array) -> float | None:
    """Return P(A > B) over pairs, a tie counting half; None without pairs."""
    if not len(difference):
        return None
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def mcnemar(a_only: int, b_only: int) -> float:
    """Return the exact p that A and B converge equally often (McNemar 1947), from unequal pairs."""
    n = a_only + b_only
    return float(stats.binomtest(a_only, n).pvalue) if n else 1.0


def replicates_needed(sd: float, difference: float, alpha: float, power: float = 0.8) -> int | None:
    """Return the pairs at which a paired t shows a true `difference` with probability `power`.

    None where that is more than 10,000.
    """
    if difference <= 0:
        return None
    for n in range(3, 10_001):
        critical = stats.t.ppf(1 - alpha / 2, n - 1)
        shift = difference / sd * np.sqrt(n)
        if stats.nct.sf(critical, n - 1, shift) >= power:
            return n
        if n > 200 and shift < critical / 2:  # far off: jump by the normal approximation
            return _needed_by_normal(sd, difference, alpha, power)
    return None


def adjusted_levels(p: Sequence[float], alpha: float) -> list[float]:
    """Return the level at which each of a family is judged: Holm's (1979) steps.

    The smallest p is judged at alpha/m, the next at alpha/(m - 1) and so on, until one is not
    decided; that one and all after it are judged at its level. Intervals of these levels agree
    with the verdicts, and hold together with probability 1 - alpha at least where nothing is
    decided.
    """
    levels = [alpha] * len(p)
    order = np.argsort(np.asarray(p), kind="stable")
    for place, index in enumerate(order):
        level = alpha / (len(p) - place)
        if p[index] > level:
            for rest in order[place:]:
                levels[rest] = level
            break
        levels[index] = level
    return levels


def _by_t(values: Array, expect: Expect, margin: float) -> tuple[float, float]:
    """Return the p values for and against, from a t of the mean against the margin."""
    if expect == "less":
        return _by_t(-values, "greater", margin)
    if expect == "greater":
        p = float(stats.ttest_1samp(values, margin).pvalue)
        above = float(values.mean()) > margin
        return (p, 1.0) if above else (1.0, p)
    # Inside (Schuirmann 1987), doubled: the two-sided interval of the same level lies inside.
    low = float(stats.ttest_1samp(values, -margin, alternative="greater").pvalue)
    high = float(stats.ttest_1samp(values, margin, alternative="less").pvalue)
    inside = min(1.0, 2 * max(low, high))
    outside = 1.0
    if abs(float(values.mean())) > margin:
        bound = margin if values.mean() > 0 else -margin
        outside = float(stats.ttest_1samp(values, bound).pvalue)
    return inside, outside


def _by_jackknife(pseudo: Array, expect: Expect, margin: float) -> Evidence:
    """Return the evidence of a t on jackknife pseudo-values."""
    n, effect = len(pseudo), float(pseudo.mean())
    if np.ptp(pseudo) <= _EQUAL * np.abs(pseudo).max():
        return Evidence("jackknife t", n, effect, None, 1.0, 1.0)
    supported, refuted = _by_t(pseudo, expect, margin)
    return Evidence("jackknife t", n, effect, _t_interval(pseudo), supported, refuted, None, n)


def _by_signs(
    difference: Array, wins: int, losses: int, expect: Expect, margin: float
) -> tuple[float, float]:
    """Return the p values for and against, from exact sign tests.

    A pair of which one run is n/c lies beyond any margin.
    """
    if expect == "less":
        return _by_signs(-difference, losses, wins, "greater", margin)
    if expect == "greater":
        ahead = int((difference > margin).sum()) + wins
        behind = int((difference < margin).sum()) + losses
        p = float(stats.binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0
        return (p, 1.0) if ahead > behind else (1.0, p) if behind > ahead else (1.0, 1.0)
    above, _ = _by_signs(difference, wins, losses, "greater", -margin)
    below, _ = _by_signs(-difference, losses, wins, "greater", -margin)
    over, _ = _by_signs(difference, wins, losses, "greater", margin)
    under, _ = _by_signs(-difference, losses, wins, "greater", margin)
    return max(above, below), min(over, under)


def _t_interval(values: Array) -> Callable[[float], tuple[float, float]]:
    n, mean = len(values), float(values.mean())
    error = float(values.std(ddof=1)) / float(np.sqrt(n))

    def interval(alpha: float) -> tuple[float, float]:
        half = float(stats.t.ppf(1 - alpha / 2, n - 1)) * error
        return mean - half, mean + half

    return interval


def _needed_by_normal(sd: float, difference: float, alpha: float, power: float) -> int | None:
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    n = int(np.ceil((z * sd / difference) ** 2))
    return n if n <= 10_000 else None
