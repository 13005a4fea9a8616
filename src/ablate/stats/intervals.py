"""Levels and intervals: of means, of rates, and of what the choice of test examples leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]

#: The level of every test, and of a family of them; intervals cover 1 - ALPHA.
ALPHA = 0.05
#: Fewer replicates decide nothing: an exact test of five pairs cannot reach 5 %.
LEAST_REPLICATES = 6


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error, and the degrees of freedom of the t that they make."""

    mean: float
    error: float
    freedom: float

    def above(self, bound: float) -> float:
        """Return the one-sided p that the mean is above `bound`."""
        return float(special.stdtr(self.freedom, -(self.mean - bound) / self.error))

    def below(self, bound: float) -> float:
        """Return the one-sided p that the mean is below `bound`."""
        return float(special.stdtr(self.freedom, (self.mean - bound) / self.error))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided 1 - alpha t interval of the mean."""
        half = float(special.stdtrit(self.freedom, 1 - alpha / 2)) * self.error
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Constant:
    """A difference that is the same in each of n replicates: n coins that fell alike."""

    value: float
    n: int

    def above(self, bound: float) -> float:
        """Return the exact one-sided p of a sign test that it is above `bound`; 0.5 at it."""
        if not self.n or abs(self.value - bound) <= 1e-12 * max(abs(self.value), abs(bound)):
            return 0.5
        return 0.5**self.n if self.value > bound else 1 - 0.5**self.n

    def below(self, bound: float) -> float:
        """Return the exact one-sided p of a sign test that it is below `bound`; 0.5 at it."""
        return 1 - self.above(bound)


def estimate(values: Array, extra: tuple[float, float] = (0.0, np.inf)) -> Estimate:
    """Return the mean of two values or more, whose standard error covers what is `extra`.

    extra  a variance of the mean that the values do not show, and its degrees of freedom; those
           of the sum are Satterthwaite's (1946)
    """
    n, mean = len(values), float(values.mean())
    own = float(values.var(ddof=1)) / n
    if not extra[0]:
        return Estimate(mean, float(np.sqrt(own)), n - 1)
    return from_parts(mean, [(own, n - 1.0), extra], least=1.0)


def from_parts(mean: float, parts: Sequence[tuple[float, float]], least: float) -> Estimate:
    """Return a mean whose variance is the sum of parts, each with its degrees of freedom.

    least  degrees of freedom of the sum (Satterthwaite 1946), of which a difference of large parts
           may leave too few
    """
    total = sum(part for part, _ in parts)
    lost = sum(part**2 / freedom for part, freedom in parts)
    return Estimate(mean, float(np.sqrt(total)), max(total**2 / lost if lost else least, least))


def t_interval(values: Array, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the 1 - alpha t interval of the mean of two values or more."""
    return estimate(values).interval(alpha)


def t_half_width(values: Array, alpha: float = ALPHA) -> float | None:
    """Return the half-width of the 1 - alpha t interval of a mean; None under two values."""
    if len(values) < 2:
        return None
    standard_error = values.std(ddof=1) / np.sqrt(len(values))
    return float(special.stdtrit(len(values) - 1, 1 - alpha / 2) * standard_error)


def rate_interval(successes: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Return Clopper and Pearson's 1 - alpha interval of a rate, n at least 1."""
    # Quantiles of beta laws: scipy's binomtest searches for them, a hundred times slower.
    low = special.betaincinv(successes, n - successes + 1, alpha / 2) if successes else 0.0
    high = special.betaincinv(successes + 1, n - successes, 1 - alpha / 2) if successes < n else 1.0
    return float(low), float(high)


def proportion_half_width(proportion: float, examples: int) -> float:
    """Return 1.96 sqrt(p (1 - p) / N): what the choice of N test examples leaves open."""
    return float(special.ndtri(1 - ALPHA / 2) * np.sqrt(proportion * (1 - proportion) / examples))


def is_constant(values: Array) -> bool:
    """Tell whether values differ in their last bits at most: their t would be a fiction."""
    return len(values) < 2 or bool(np.ptp(values) <= 1e-12 * np.abs(values).max())
