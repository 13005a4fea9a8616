"""Where training was stopped, and where it was best."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.metrics import quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, grid_of_panels, panels_of_a_grid
from ablate.report.figures.layers import pages_of
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL

_LOSS = quantity("validation/loss")


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw validation loss over epochs per replicate, with its best point and where it ended."""
    for subject in subjects(context, "columns"):
        if len(subject.joined(context.frames.epochs)):
            shown = stopping_points(subject)
            most = panels_of_a_grid(subject.style, len(shown))
            for name, levels in pages_of(subject.name, list(shown), most):
                yield _draw(subject, {level: shown[level] for level in levels}, name)


def stopping_points(subject: Subject) -> Mapping[str, tuple[pd.Series, ...]]:
    """Return validation loss by epoch of each replicate, by level of `columns`.

    The evaluation before training is left out.
    """
    rows = subject.joined(subject.frames.epochs)
    rows = rows[rows["step"] > 0].set_index("epoch")
    return {
        level: tuple(
            run.astype(float)
            for _, run in subject.where(rows, columns=level).groupby("replicate")["validation/loss"]
        )
        for level in subject.levels("columns")
    }


def _draw(subject: Subject, shown: Mapping[str, tuple[pd.Series, ...]], name: str) -> Drawing:
    handles = [
        Line2D([], [], color=NEUTRAL, ls="", marker="o", mfc="white", label="best evaluation"),
        Line2D([], [], color=NEUTRAL, ls="", marker="s", label="end of training"),
    ]
    style = subject.style
    margins = Margins(left=0.55, top=0.2, across=0.15, down=0.34)
    figure, axes = grid_of_panels(
        style, list(shown), "epoch", _LOSS.label, margins, Legend("", handles, style)
    )
    for axis, (level, runs) in zip(axes, shown.items(), strict=True):
        for run in runs:
            _run(axis, run, subject.ink("columns", level).color)
    return subject.drawing(
        figure,
        "Validation loss (nats) over epochs",
        "A line per replicate, with its best evaluation and the one at which training ended.",
        name,
    )


def _run(axis: Axes, losses: pd.Series, color: str) -> None:
    axis.plot(losses, color=color, lw=0.7, alpha=0.8)
    finite = losses[np.isfinite(losses)]
    if len(finite):
        axis.plot(finite[[finite.idxmin()]], marker="o", mfc="white", mec=color, ms=3.6, zorder=3)
        axis.plot(losses.iloc[-1:], marker="s", color=color, ms=3)
