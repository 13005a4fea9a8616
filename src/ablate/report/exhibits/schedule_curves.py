"""The learning rate while training, and what it does to loss and accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    level_handle,
    page,
    panel_title,
)
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw learning rate, training loss and validation accuracy over epochs, a line per level."""
    for subject in subjects(context, "lines"):
        rows = subject.joined(context.frames.epochs)
        if len(rows):
            yield _schedules(subject, rows)


def _schedules(subject: Subject, rows: pd.DataFrame) -> Drawing:
    lines, factor = subject.levels("lines"), subject.roles["lines"]
    handles = [level_handle(subject.look(factor, v), v.name, "marker") for v in lines if factor]
    legend = Legend(factor.label if factor else "", handles) if handles else None
    margins = Margins(left=0.55, top=0.2, across=0.5)
    figure, axes = page(1, 3, TWO_COLUMNS, 1.8, margins, legend)
    panels = (
        ("lr", "learning rate", 1.0), ("train/loss", "training loss (nats)", 1.0),
        ("validation/accuracy", "validation accuracy (%)", 100.0),
    )  # fmt: skip
    for axis, (column, label, scale) in zip(axes[0], panels, strict=True):
        for line in lines:
            cell = subject.where(rows, lines=line)
            cell = cell[(cell["status"] == "done") & np.isfinite(cell[column]) & (cell["step"] > 0)]
            middle = scale * cell.groupby("epoch")[column].median()
            look = subject.look(factor, line) if factor else None
            axis.plot(
                middle.index, middle.to_numpy(), color=look.color if look else NEUTRAL,
                marker=look.marker if look else "o", ms=2.6, lw=0.9,
            )  # fmt: skip
        panel_title(axis, label)
        axis.set_xlabel("epoch")
    axes[0, 1].set_yscale("log")
    spread = (
        "Median over the replicates that converged, at the end of each epoch; the learning rate "
        "is that of its last step, the training loss the mean over its steps."
    )
    caption = subject.caption("Learning rate, training loss and validation accuracy", spread)
    return Drawing(subject.name, caption, figure)
