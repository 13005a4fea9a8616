"""Where training was stopped, and where it was best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.metrics import quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, grid_of_panels
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL

_LOSS = quantity("validation/loss")


@dataclass(frozen=True, eq=False)
class StoppedRun:
    """One replicate's validation loss after each epoch.

    epochs, losses  (n,)
    best            index of the lowest loss, None where no loss is finite
    """

    epochs: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    best: int | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw validation loss over epochs per replicate, with its best point and where it ended."""
    for subject in subjects(context, "columns"):
        if len(subject.joined(context.frames.epochs)):
            yield _draw(subject, stopping_points(subject))


def stopping_points(subject: Subject) -> Mapping[str, tuple[StoppedRun, ...]]:
    """Return the runs of each level of `columns`, the evaluation before training left out."""
    rows = subject.joined(subject.frames.epochs)
    rows = rows[rows["step"] > 0]
    return {
        level.name: tuple(
            _stopped(run) for _, run in subject.where(rows, columns=level).groupby("replicate")
        )
        for level in subject.levels("columns")
    }


def _stopped(run: pd.DataFrame) -> StoppedRun:
    losses = run["validation/loss"].to_numpy(float)
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else None
    return StoppedRun(run["epoch"].to_numpy(float), losses, best)


def _draw(subject: Subject, shown: Mapping[str, tuple[StoppedRun, ...]]) -> Drawing:
    handles = [
        Line2D([], [], color=NEUTRAL, ls="", marker="o", mfc="white", label="best evaluation"),
        Line2D([], [], color=NEUTRAL, ls="", marker="s", label="end of training"),
    ]
    margins = Margins(left=0.55, top=0.2, across=0.15, down=0.34)
    figure, axes = grid_of_panels(list(shown), "epoch", _LOSS.label, margins, Legend("", handles))
    for axis, level in zip(axes, subject.levels("columns"), strict=True):
        for run in shown[level.name]:
            _run(axis, run, subject.ink("columns", level).color)
    caption = subject.caption(
        "Validation loss (nats) over epochs",
        "A line per replicate, with its best evaluation and the one at which training ended.",
    )
    return Drawing(subject.name, caption, figure)


def _run(axis: Axes, run: StoppedRun, color: str) -> None:
    axis.plot(run.epochs, run.losses, color=color, lw=0.7, alpha=0.8)
    if run.best is None:
        return
    best = [run.epochs[run.best]], [run.losses[run.best]]
    axis.plot(*best, marker="o", mfc="white", mec=color, ms=3.6, zorder=3)
    axis.plot(run.epochs[-1:], run.losses[-1:], marker="s", color=color, ms=3)
