"""Is a network right as often as it is sure? Accuracy against confidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import Subject, converged, subjects

_FEWEST = 10  # examples in a bin, over all replicates: fewer say nothing


@dataclass(frozen=True, eq=False)
class Line:
    """One level, pooled over the replicates that converged; all in percent.

    bins   confidence and accuracy of each, as `pooled`
    error  expected calibration error, mean over replicates; None where all are n/c
    """

    level: str
    bins: pd.DataFrame
    error: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw accuracy against confidence in 15 bins, a line per level, pooled over replicates."""
    if not len(context.frames.calibration):
        raise ReportError("no run kept predictions.")
    for subject in subjects(context, "lines"):
        yield subject.drawing(
            _draw(subject, lines_of(subject)),
            "Accuracy against confidence",
            "Examples of all replicates in 15 equal bins of the confidence, bins under ten "
            "examples left out; grey: as often right as sure. ECE: expected calibration error, "
            "mean over replicates.",
        )


def pooled(bins: pd.DataFrame) -> pd.DataFrame:
    """Return confidence and accuracy per bin over all runs, of bins with enough examples."""
    total = bins.groupby("bin")[["count", "confidence", "correct"]].sum()
    total = total[total["count"] >= _FEWEST]
    means = total[["confidence", "correct"]].div(total["count"], axis=0)
    return means.rename(columns={"correct": "accuracy"})


def lines_of(subject: Subject) -> list[Line]:
    """Return a line per level of `lines`."""
    bins = converged(subject.joined(subject.frames.calibration))
    found = []
    for level in subject.levels("lines"):
        points = 100 * pooled(subject.where(bins, lines=level))
        errors = converged(subject.where(subject.runs, lines=level))["test/ece"]
        error = 100 * float(errors.mean()) if len(errors) else None
        found.append(Line(level, points, error))
    return found


def _draw(subject: Subject, lines: Sequence[Line]) -> Figure:
    names = {
        line.level: f"{line.level} "
        + ("(n/c)" if line.error is None else f"(ECE {line.error:.1f} %)")
        for line in lines
    }
    figure, axes = page(
        subject.style, [2.5], 1, subject.style.one_column, Margins(),
        subject.legend("lines", names=names),
    )  # fmt: skip
    axis: Axes = axes[0, 0]
    axis.plot([0, 100], [0, 100], color="#999999", lw=0.7)
    for line in lines:
        look = subject.ink("lines", line.level)
        bins = line.bins.set_index("confidence")["accuracy"]
        axis.plot(bins, color=look.color, marker=look.marker, lw=0.9)
    axis.set(xlim=(0, 101), ylim=(0, 102), xlabel="confidence (%)", ylabel="test accuracy (%)")
    return figure
