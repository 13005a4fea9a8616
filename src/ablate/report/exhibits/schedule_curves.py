"""The learning rate while training, and what it does to loss and accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.metrics import SCORES, quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page, panel_title
from ablate.report.figures.select import Subject, converged, subjects
from ablate.report.figures.style import TWO_COLUMNS

#: What a panel is called, by the column of the evaluations that it shows.
_PANELS = {
    "lr": "learning rate",
    "train/loss": f"training {SCORES['loss'].title}",
    "validation/accuracy": quantity("validation/accuracy").title,
}


@dataclass(frozen=True, eq=False)
class OverEpochs:
    """Medians over the replicates that converged, at the end of each epoch.

    epochs, medians  (n,)
    """

    epochs: npt.NDArray[np.float64]
    medians: npt.NDArray[np.float64]


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw learning rate, training loss and validation accuracy over epochs, a line per level."""
    for subject in subjects(context, "lines"):
        if len(subject.joined(context.frames.epochs)):
            yield _draw(subject, schedule_curves(subject))


def schedule_curves(subject: Subject) -> Mapping[tuple[str, str], OverEpochs]:
    """Return what is drawn, as it is shown, by column of the evaluations and level of `lines`."""
    rows = converged(subject.joined(subject.frames.epochs))
    rows = rows[rows["step"] > 0]
    curves = {}
    for column in _PANELS:
        for line in subject.levels("lines"):
            cell = subject.where(rows, lines=line)
            medians = cell[np.isfinite(cell[column])].groupby("epoch")[column].median()
            shown = quantity(column).scale * medians.to_numpy(float)
            curves[column, line.name] = OverEpochs(medians.index.to_numpy(float), shown)
    return curves


def _draw(subject: Subject, curves: Mapping[tuple[str, str], OverEpochs]) -> Drawing:
    margins = Margins(left=0.55, top=0.2, across=0.5)
    legend = subject.legend("lines", "marker")
    figure, axes = page(1, len(_PANELS), TWO_COLUMNS, 1.8, margins, legend)
    for axis, (column, label) in zip(axes[0], _PANELS.items(), strict=True):
        for line in subject.levels("lines"):
            curve, look = curves[column, line.name], subject.ink("lines", line)
            axis.plot(
                curve.epochs, curve.medians, color=look.color, marker=look.marker, ms=2.6, lw=0.9
            )
        panel_title(axis, label)
        axis.set_xlabel("epoch")
    axes[0, 1].set_yscale("log")
    spread = (
        "Median over the replicates that converged, at the end of each epoch; the learning rate "
        "is that of its last step, the training loss the mean over its steps."
    )
    caption = subject.caption("Learning rate, training loss and validation accuracy", spread)
    return Drawing(subject.name, caption, figure)
