"""What figures show of some runs: means with intervals, medians with ranges, who is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from ablate.report.columns import FACTOR
from ablate.report.figures.marks import Data, marked, run_data, shown
from ablate.report.figures.select import Subject, converged, not_converged
from ablate.report.figures.style import Look
from ablate.stats import t_half_width

#: A line, or a band as `band` returns it, by its place on the axis.
Curve = TypeVar("Curve", "pd.Series[float]", pd.DataFrame)


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
    points         what the page is told of each value
    """

    not_converged: int
    runs: int
    points: tuple[Data, ...] = field(default=(), compare=False, repr=False)

    @property
    def most_converged(self) -> bool:
        """Whether more runs converged than did not."""
        return 2 * self.not_converged < self.runs


def cell_sample(runs: pd.DataFrame, column: str, scale: float) -> CellSample:
    """Return what is shown of one cell's rows of the runs frame; `scale` as of a `Quantity`."""
    known = converged(runs)
    known = known[np.isfinite(known[column].astype(float))]
    values = tuple(scale * known[column].to_numpy(float))
    return CellSample(values, len(not_converged(runs)), len(runs), _points(known, values))


def _points(runs: pd.DataFrame, values: Sequence[float]) -> tuple[Data, ...]:
    """Return what the page is told of runs that are drawn as a point each."""
    columns = [str(name) for name in runs if str(name).startswith(FACTOR)]
    columns_of_a_run = [name for name in ("cell", "replicate", "key") if name in runs]
    rows = zip(runs[[*columns_of_a_run, *columns]].to_dict("records"), values, strict=True)
    return tuple(run_data(run, _levels_of(run, columns), value) for run, value in rows)


def _levels_of(run: Mapping[Any, Any], columns: Sequence[str]) -> dict[str, str]:
    """Return the level by factor; a cell of another part of the study has none of some."""
    named = {name.removeprefix(FACTOR): run[name] for name in columns}
    return {factor: level for factor, level in named.items() if isinstance(level, str)}


def cell_samples(
    subject: Subject, down: str, across: str, column: str, scale: float
) -> Mapping[str, tuple[CellSample, ...]]:
    """Return the cells of two roles: by level of `down`, one per level of `across`."""
    return {
        row: tuple(
            cell_sample(subject.where(subject.runs, **{down: row, across: level}), column, scale)
            for level in subject.levels(across)
        )
        for row in subject.levels(down)
    }


def band(rows: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Return the median of column `y` over column `x`, and its range: middle, low, high.

    Values that are not finite are left out.
    """
    groups = rows[np.isfinite(rows[y])].groupby(x)[y]
    return pd.DataFrame({"middle": groups.median(), "low": groups.min(), "high": groups.max()})


def thinned(curve: Curve, most: int = 100) -> Curve:
    """Return a curve over a log axis with at most so many points: more are not seen in print.

    Where several fall together the last stands for them; of a band the shade covers all of them.
    """
    if len(curve) <= most:
        return curve
    x = np.log(curve.index.to_numpy(float))
    place = np.minimum((x - x[0]) / (x[-1] - x[0]) * most, most - 1).astype(int)
    last = np.append(np.flatnonzero(np.diff(place)), len(place) - 1)
    kept = curve.iloc[last].copy()
    if isinstance(kept, pd.DataFrame):
        assert isinstance(curve, pd.DataFrame)
        groups = curve.groupby(place)
        kept["low"], kept["high"] = groups["low"].min().to_numpy(), groups["high"].max().to_numpy()
    return kept


def draw_band(
    axis: Axes, band: pd.DataFrame, color: str, of: Data | None = None, **line: Any
) -> None:
    """Draw the medians of a band as a line, `line` says how, and its range as a shade around it.

    of  what the page is told of it
    """
    shade = axis.fill_between(band.index, band["low"], band["high"], color=color, alpha=0.2, lw=0)
    marked([shade, *axis.plot(band.index, band["middle"], color=color, **line)], of or {})


def draw_intervals(
    axis: Axes, places: npt.ArrayLike, samples: Sequence[Sample], look: Look,
    across: bool = False, size: float = 3.2, told: Data | None = None,
) -> None:  # fmt: skip
    """Draw means with their intervals, joined by a line.

    places  where each stands: on the axis of the levels, which is y where `across`
    size    of the markers, points
    told    what the page is told of all of them
    """
    means = [sample.mean for sample in samples]
    halves = [sample.half_width or 0.0 for sample in samples]
    x, y = (means, places) if across else (places, means)
    drawn = axis.errorbar(
        x, y, xerr=halves if across else None, yerr=None if across else halves, color=look.color,
        marker=look.marker, lw=0.9, elinewidth=0.9, capsize=1.5, ms=size,
    )  # fmt: skip
    line, *bars = drawn.get_children()
    marked([line], told or {}, map(_of_sample, samples))
    marked(bars, told or {}, map(_levels, samples))


def _of_sample(sample: Sample) -> Data:
    """Return what the page is told of a mean: of how many runs, and which levels they have."""
    told = {"mean": shown(sample.mean), "n": str(len(sample.values))}
    if sample.half_width is not None:
        told["half"] = shown(sample.half_width)
    if isinstance(sample, CellSample):
        told["lost"] = f"{sample.not_converged}/{sample.runs}"
        if sample.points:
            told["cell"] = sample.points[0]["cell"]
    return {**told, **_levels(sample)}


def _levels(sample: Sample) -> Data:
    first = sample.points[:1] if isinstance(sample, CellSample) else ()
    return {name: one[name] for one in first for name in one if name.startswith("level-")}
