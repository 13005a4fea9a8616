"""Is a network right as often as it is sure? Accuracy against confidence."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, level_handle, page
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, ONE_COLUMN

_FEWEST = 10  # examples in a bin, over all replicates: fewer say nothing


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw accuracy against confidence in 15 bins, a line per level, pooled over replicates."""
    if not len(context.frames.calibration):
        raise ConfigError("report: reliability_diagram needs predictions of finished runs.")
    for subject in subjects(context, "lines"):
        yield _draw(subject)


def pooled(bins: pd.DataFrame) -> pd.DataFrame:
    """Return confidence and accuracy per bin over all runs, of bins with enough examples."""
    total = bins.groupby("bin")[["count", "confidence", "correct"]].sum()
    total = total[total["count"] >= _FEWEST]
    return pd.DataFrame(
        {
            "confidence": total["confidence"] / total["count"],
            "accuracy": total["correct"] / total["count"],
        }
    )


def _draw(subject: Subject) -> Drawing:
    rows = subject.joined(subject.frames.calibration)
    rows = rows[rows["status"] == "done"]
    factor, lines = subject.roles["lines"], subject.levels("lines")
    handles = []
    for line in lines:
        runs = subject.where(subject.runs, lines=line)
        error = 100 * runs.loc[runs["status"] == "done", "test/ece"].mean()
        if factor:
            name = f"{line.name} (ECE {error:.1f} %)"
            handles.append(level_handle(subject.look(factor, line), name, "marker"))
    legend = Legend(factor.label if factor else "", handles) if handles else None
    figure, axes = page(1, 1, ONE_COLUMN, 2.5, Margins(left=0.5, bottom=0.38), legend)
    axis: Axes = axes[0, 0]
    axis.plot([0, 100], [0, 100], color="#999999", lw=0.7)
    for line in lines:
        look = subject.look(factor, line) if factor else None
        points = pooled(subject.where(rows, lines=line))
        axis.plot(
            100 * points["confidence"], 100 * points["accuracy"],
            color=look.color if look else NEUTRAL, marker=look.marker if look else "o", lw=0.9,
        )  # fmt: skip
    axis.set_xlim(0, 101)
    axis.set_ylim(bottom=0, top=102)
    axis.set_xlabel("confidence (%)")
    axis.set_ylabel("test accuracy (%)")
    spread = (
        "Examples of all replicates in 15 equal bins of the confidence, bins under ten examples "
        "left out; grey: as often right as sure. ECE: expected calibration error, mean over "
        "replicates."
    )
    return Drawing(subject.name, subject.caption("Accuracy against confidence", spread), figure)
