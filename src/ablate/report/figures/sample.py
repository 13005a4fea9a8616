"""What a figure shows of some runs: values with their mean and interval, and who is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.report.figures.select import Subject, converged, not_converged
from ablate.stats import t_half_width


@dataclass(frozen=True)
class Sample:
    """Values as they are shown, one per replicate or pair."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the values, NaN without any."""
        return float(np.mean(self.values)) if self.values else float("nan")

    @property
    def half_width(self) -> float | None:
        """The half-width of the 95 % t interval of the mean; None under two values."""
        return t_half_width(np.array(self.values))


@dataclass(frozen=True)
class CellSample(Sample):
    """The runs of one cell in one quantity.

    values         of the runs that converged and have it
    not_converged  runs that did not
    runs           all that ended, failed ones left out
    """

    not_converged: int
    runs: int

    @property
    def most_converged(self) -> bool:
        """Whether more runs converged than did not."""
        return 2 * self.not_converged < self.runs


def cell_sample(runs: pd.DataFrame, column: str, scale: float) -> CellSample:
    """Return what is shown of one cell's rows of the runs frame; `scale` as of a `Quantity`."""
    values = scale * converged(runs)[column].to_numpy(float)
    return CellSample(tuple(values[np.isfinite(values)]), len(not_converged(runs)), len(runs))


def cell_samples(
    subject: Subject, down: str, across: str, column: str, scale: float
) -> Mapping[str, tuple[CellSample, ...]]:
    """Return the cells of two roles: by level of `down`, one per level of `across`."""
    return {
        row.name: tuple(
            cell_sample(subject.where(subject.runs, **{down: row, across: level}), column, scale)
            for level in subject.levels(across)
        )
        for row in subject.levels(down)
    }
