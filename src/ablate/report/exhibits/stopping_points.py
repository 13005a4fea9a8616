"""Where training was stopped, and where it was best."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    page,
    panel_title,
)
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw validation loss over epochs per replicate, with its best point and where it ended."""
    for subject in subjects(context, "columns"):
        rows = subject.joined(context.frames.epochs)
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
