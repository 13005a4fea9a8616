"""Means over replicates and test examples at once: how far they hold for others of both."""

from dataclasses import dataclass

import numpy as np

from ablate.stats.intervals import Array, Estimate, from_parts, is_constant


@dataclass(frozen=True)
class Crossed:
    """A mean of values (R, N), of R replicates on N examples, where others of both are meant.

    both        the mean, and its standard error over other replicates and other examples
    alone       the same over other replicates on these examples, of R - 1 degrees of freedom; None
                where replicates do not differ
    replicates, examples  R and N
    """

    both: Estimate
    alone: Estimate | None
    replicates: int
    examples: int

    @property
    def _estimates(self) -> tuple[Estimate, ...]:
        # Where examples add little their degrees of freedom may narrow an interval by a percent,
        # though more is left open: what replicates alone leave open counts as well.
        found = (self.both,) if self.alone is None else (self.both, self.alone)
        return tuple(one for one in found if one.error)

    def above(self, bound: float) -> float:
        """Return the one-sided p that the mean is above `bound`; 0.5 where nothing varies."""
        return max((one.above(bound) for one in self._estimates), default=0.5)

    def below(self, bound: float) -> float:
        """Return the one-sided p that the mean is below `bound`; 0.5 where nothing varies."""
        return max((one.below(bound) for one in self._estimates), default=0.5)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided 1 - alpha interval of the mean."""
        ends = [one.interval(alpha) for one in self._estimates] or [(self.both.mean,) * 2]
        return min(low for low, _ in ends), max(high for _, high in ends)


def crossed(values: Array, extra: tuple[float, float] = (0.0, np.inf)) -> Crossed:
    """Return the mean of values (R, N), two or more of each, as one of replicates and examples.

    extra  a variance of the mean that the values do not show, and its degrees of freedom

    Both are samples (Dror et al. 2018, Miller 2024). With the mean squares of the two-way layout
    without repetition, Var(mean) = (MS_r + MS_i - MS_ri)/(R N) with the degrees of freedom of
    Satterthwaite 1946. Where examples make no difference, MS_i <= MS_ri, it is the variance over
    replicates alone, MS_r/(R N) with R - 1, which it never falls below.
    """
    replicates, examples = values.shape
    mean, rows, columns = float(values.mean()), values.mean(axis=1), values.mean(axis=0)
    by_replicate = 0.0 if is_constant(rows) else examples * float(rows.var(ddof=1))
    by_example = 0.0 if is_constant(columns) else replicates * float(columns.var(ddof=1))
    rest = values - rows[:, None] - columns + mean
    both = float((rest**2).sum()) / ((replicates - 1) * (examples - 1))
    count = replicates * examples
    # Parts of the variance of the mean, each with its degrees of freedom.
    alone = [(by_replicate / count, replicates - 1.0), extra]
    crossing: list[tuple[float, float]] = []
    if by_example > both:
        crossing = [
            (by_example / count, examples - 1.0),
            (-both / count, (replicates - 1.0) * (examples - 1.0)),
        ]
    return Crossed(
        both=from_parts(mean, [*alone, *crossing], min(replicates, examples) - 1.0),
        alone=from_parts(mean, alone, 1.0) if by_replicate or extra[0] else None,
        replicates=replicates,
        examples=examples,
    )
