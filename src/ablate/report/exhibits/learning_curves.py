"""Learning curves: how fast, how stable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from ablate.metrics import SCORES, quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, label_outer, page, panel_title
from ablate.report.figures.select import Subject, converged, not_converged, subjects
from ablate.report.figures.style import TWO_COLUMNS, Look

_MARGINS = Margins(left=0.5, right=0.1, top=0.2, bottom=0.38, across=0.55, down=0.32)
_PANELS = {"loss": "training loss", "accuracy": quantity("validation/accuracy").label}


@dataclass(frozen=True, eq=False)
class CellCurves:
    """The curves of one cell's runs.

    steps, median, low, high   (n,) over the replicates that converged; the evaluation before
                               training stands at step 1
    single                     (x, y) of each run that did not converge
    """

    steps: npt.NDArray[np.float64]
    median: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    single: tuple[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], ...]


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """Loss in nats and accuracy in percent over steps.

    cells    by level of `rows`, quantity (`loss` or `accuracy`) and level of `lines`
    cut_off  whether losses beyond five times the highest converged one were cut to it
    """

    cells: Mapping[tuple[str, str, str], CellCurves]
    cut_off: bool


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw training loss and validation accuracy over steps, a row of panels per other level."""
    for subject in subjects(context, "lines", "rows"):
        if len(subject.joined(context.frames.epochs)):
            yield _draw(subject, learning_curves(subject))


def learning_curves(subject: Subject) -> LearningCurves:
    """Return what is drawn of the subject's curves and evaluations."""
    losses = subject.joined(subject.frames.curves)
    epochs = subject.joined(subject.frames.epochs)
    highest = converged(losses)["loss"].max()
    # A run that exploded would press all others flat against the axis.
    ceiling = 5 * float(highest) if np.isfinite(highest) else float("inf")
    values = {
        "loss": losses.assign(value=losses["loss"].clip(upper=ceiling)),
        "accuracy": epochs.assign(value=SCORES["accuracy"].scale * epochs["validation/accuracy"]),
    }
    cells = {
        (row.name, name, line.name): _cell(subject.where(values[name], lines=line, rows=row))
        for row in subject.levels("rows")
        for name in _PANELS
        for line in subject.levels("lines")
    }
    return LearningCurves(cells, bool((losses["loss"] > ceiling).any()))


def _cell(rows: pd.DataFrame) -> CellCurves:
    rows = rows[np.isfinite(rows["value"]) & (rows["step"] >= 0)]
    rows = rows.assign(x=rows["step"].clip(lower=1).astype(float))
    groups = converged(rows).groupby("x")["value"]
    median = groups.median()
    single = tuple(
        (run["x"].to_numpy(), run["value"].to_numpy())
        for _, run in not_converged(rows).groupby("replicate")
    )
    low, high = groups.min().to_numpy(), groups.max().to_numpy()
    return CellCurves(median.index.to_numpy(float), median.to_numpy(), low, high, single)


def _draw(subject: Subject, shown: LearningCurves) -> Drawing:
    levels, legend = subject.levels("rows"), subject.legend("lines", "dash")
    figure, axes = page(
        len(levels), 2, TWO_COLUMNS, 1.35, _MARGINS, legend, sharex=True, sharey="col"
    )
    for row, level in enumerate(levels):
        for column, (name, what) in enumerate(_PANELS.items()):
            axis: Axes = axes[row, column]
            for line in subject.levels("lines"):
                _curves(axis, shown.cells[level.name, name, line.name], subject.ink("lines", line))
            axis.set_xscale("log")
            panel_title(axis, f"{level.name}: {what}" if level.name else what)
        axes[row, 0].set_yscale("log")
    label_outer(axes, "step", [SCORES[name].title for name in _PANELS])
    spread = "Lines: median over the replicates that converged; bands: their range."
    if len(not_converged(subject.runs)):
        spread += " Thin lines, ending in a cross: single runs that did not converge."
    if shown.cut_off:
        spread += " Losses beyond five times the highest converged one stand at the upper edge."
    spread += " The evaluation before the first step stands at step 1."
    return Drawing(subject.name, subject.caption("Learning curves", spread), figure)


def _curves(axis: Axes, cell: CellCurves, look: Look) -> None:
    color = look.color
    if len(cell.steps):
        axis.fill_between(cell.steps, cell.low, cell.high, color=color, alpha=0.2, lw=0)
        axis.plot(cell.steps, cell.median, color=color, ls=look.dash)
    for x, y in cell.single:
        axis.plot(x, y, color=color, lw=0.35, alpha=0.7)
        axis.plot(x[-1:], y[-1:], color=color, marker="x", ms=3.5, mew=0.8)
