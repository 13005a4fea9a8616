"""Levels and intervals: of means, of rates, and of what the choice of test examples leaves open."""

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]

#: The level of every test, and of a family of them; intervals cover 1 - ALPHA.
ALPHA = 0.05
#: Fewer replicates decide nothing: an exact test of five pairs cannot reach 5 %.
LEAST_REPLICATES = 6


def t_half_width(values: Array, alpha: float = ALPHA) -> float | None:
    """Return the half-width of the 1 - alpha t interval of a mean; None under two values."""
    if len(values) < 2:
        return None
    standard_error = values.std(ddof=1) / np.sqrt(len(values))
    return float(stats.t.ppf(1 - alpha / 2, len(values) - 1) * standard_error)


def t_interval(values: Array, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the 1 - alpha t interval of the mean of two values or more."""
    mean, half = float(values.mean()), t_half_width(values, alpha)
    assert half is not None
    return mean - half, mean + half


def rate_interval(successes: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Return Clopper and Pearson's 1 - alpha interval of a rate, n at least 1."""
    interval = stats.binomtest(successes, n).proportion_ci(1 - alpha, method="exact")
    return float(interval.low), float(interval.high)


def proportion_half_width(proportion: float, examples: int) -> float:
    """Return 1.96 sqrt(p (1 - p) / N): what the choice of N test examples leaves open."""
    return float(stats.norm.ppf(1 - ALPHA / 2) * np.sqrt(proportion * (1 - proportion) / examples))


def is_constant(values: Array) -> bool:
    """Tell whether values differ in their last bits at most: their t would be a fiction."""
    return len(values) < 2 or bool(np.ptp(values) <= 1e-12 * np.abs(values).max())
