"""Means over replicates and test examples at once: how far they hold for others of both."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ablate.stats.evidence import Expect
from ablate.stats.intervals import Array, is_constant


@dataclass(frozen=True)
class Crossed:
    """A mean of values (R, N), of R replicates on N examples, where others of both are meant.

    error             its standard error over other replicates and other examples
    df                the degrees of freedom of `error`
    error_replicates  its standard error over other replicates on these examples, of R - 1
    """

    mean: float
    error: float
    df: float
    error_replicates: float
    replicates: int
    examples: int

    def half_width(self, alpha: float) -> float:
        """Return the half-width of the 1 - alpha interval; never that of replicates alone, or less.

        Where examples add little their degrees of freedom may narrow it by a percent, though more
        is left open.
        """
        errors = ((self.error, self.df), (self.error_replicates, self.replicates - 1))
        return max(float(special.stdtrit(df, 1 - alpha / 2) * error) for error, df in errors)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the ends of the 1 - alpha interval."""
        half = self.half_width(alpha)
        return self.mean - half, self.mean + half

    def p(self, expect: Expect, margin: float) -> tuple[float, float]:
        """Return two-sided p values for and against, as of the paired t: they fit the intervals.

        margin  the mean is expected to be greater by more than it, less by more, or equal within it
        """
        if expect == "greater":
            return self._either(margin)
        if expect == "less":
            return self._either(-margin)[::-1]
        inside = max(self._above(-margin), self._below(margin))
        outside = min(self._above(margin), self._below(-margin))
        return min(1.0, 2 * inside), min(1.0, 2 * outside)

    def _either(self, bound: float) -> tuple[float, float]:
        above, below = self._above(bound), self._below(bound)
        p = min(1.0, 2 * min(above, below))
        return (p, 1.0) if self.mean > bound else (1.0, p)

    def _above(self, bound: float) -> float:
        return self._tail(self.mean - bound)

    def _below(self, bound: float) -> float:
        return self._tail(bound - self.mean)

    def _tail(self, distance: float) -> float:
        """Return the one-sided p of a distance; 1 where nothing varies, which decides nothing."""
        errors = ((self.error, self.df), (self.error_replicates, self.replicates - 1))
        return max(
            (float(special.stdtr(df, -distance / error)) for error, df in errors if error),
            default=1.0,
        )


def crossed(values: Array) -> Crossed:
    """Return the mean of values (R, N), two or more of each, as one of replicates and examples.

    Both are samples (Dror et al. 2018, Miller 2024). With the mean squares of the two-way layout
    without repetition, Var(mean) = (MS_r + MS_i - MS_ri)/(R N) with the degrees of freedom of
    Satterthwaite 1946. Where examples make no difference, MS_i <= MS_ri, it is the variance over
    replicates alone, MS_r/(R N) with R - 1, which it never falls below.
    """
    replicates, examples = values.shape
    mean, rows, columns = values.mean(), values.mean(axis=1), values.mean(axis=0)
    by_replicate = 0.0 if is_constant(rows) else examples * float(rows.var(ddof=1))
    by_example = 0.0 if is_constant(columns) else replicates * float(columns.var(ddof=1))
    rest = values - rows[:, None] - columns + mean
    both = float((rest**2).sum()) / ((replicates - 1) * (examples - 1))
    total, df = by_replicate, float(replicates - 1)
    if by_example > both:
        total = by_replicate + by_example - both
        parts = (
            (by_replicate, replicates - 1),
            (by_example, examples - 1),
            (both, (replicates - 1) * (examples - 1)),
        )
        df = total**2 / sum(square**2 / freedom for square, freedom in parts)
    count = replicates * examples
    return Crossed(
        mean=float(mean),
        error=float(np.sqrt(total / count)),
        df=max(df, float(min(replicates, examples) - 1)),
        error_replicates=float(np.sqrt(by_replicate / count)),
        replicates=replicates,
        examples=examples,
    )
