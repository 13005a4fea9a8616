"""The learning rate while training, and where training was stopped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    level_handle,
    page,
    panel_title,
)
from ablate.report.figures.select import Request, Subject, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS


def schedule_curves(request: Request) -> Iterator[Drawing]:
    """Draw learning rate, training loss and validation accuracy over epochs, a line per level."""
    for subject in subjects(request, "lines"):
        rows = subject.joined(request.frames.epochs)
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


def stopping_points(request: Request) -> Iterator[Drawing]:
    """Draw validation loss over epochs per replicate, with its best point and where it ended."""
    for subject in subjects(request, "columns"):
        rows = subject.joined(request.frames.epochs)
        if len(rows):
            yield _points(subject, rows)


def _points(subject: Subject, rows: pd.DataFrame) -> Drawing:
    panels, factor = subject.levels("columns"), subject.roles["columns"]
    handles = [
        Line2D([], [], color=NEUTRAL, ls="", marker="o", mfc="white", label="best evaluation"),
        Line2D([], [], color=NEUTRAL, ls="", marker="s", label="end of training"),
    ]
    columns = min(len(panels), 3)
    down = -(-len(panels) // columns)
    figure, axes = page(
        down, columns, TWO_COLUMNS, 1.3, Margins(left=0.55, top=0.2, across=0.15, down=0.34),
        Legend("", handles), sharex=True, sharey=True,
    )  # fmt: skip
    flat: list[Axes] = list(axes.flat)
    for axis in flat[len(panels) :]:
        axis.set_visible(False)
    for index, (axis, panel) in enumerate(zip(flat, panels, strict=False)):
        color = subject.look(factor, panel).color if factor else NEUTRAL
        cell = subject.where(rows, columns=panel)
        for _, run in cell.groupby("replicate"):
            run = run[run["step"] > 0]
            values = run["validation/loss"].to_numpy(float)
            axis.plot(run["epoch"], values, color=color, lw=0.7, alpha=0.8)
            if np.isfinite(values).any():
                best = run.iloc[int(np.nanargmin(values))]
                axis.plot(
                    [best["epoch"]], [best["validation/loss"]], marker="o", mfc="white", mec=color,
                    ms=3.6, zorder=3,
                )  # fmt: skip
                last = run.iloc[-1]
                axis.plot([last["epoch"]], [last["validation/loss"]], marker="s", color=color, ms=3)
        panel_title(axis, panel.name)
        if index + columns >= len(panels):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel("epoch")
    for row in range(down):
        axes[row, 0].set_ylabel("validation loss")
    caption = subject.caption(
        "Validation loss (nats) over epochs",
        "A line per replicate, with its best evaluation and the one at which training ended.",
    )
    return Drawing(subject.name, caption, figure)
