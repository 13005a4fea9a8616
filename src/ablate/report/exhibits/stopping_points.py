"""Where training was stopped, and where it was best."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.config.stopping import Patience
from ablate.metrics import TRAIN_ACCURACY
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, page
from ablate.report.figures.layers import pages_of
from ablate.report.figures.select import Subject, over_epochs, subjects
from ablate.report.figures.style import NEUTRAL
from ablate.study.items import StoppingPoints

#: Panels side by side at most, and the least width that makes their epochs legible, inches.
_ACROSS, _NARROWEST = 4, 1.3
#: What the upper row of panels shows: its label, and the columns of training and validation.
_ERROR = ("error (%)", TRAIN_ACCURACY, "validation/accuracy")


@dataclass(frozen=True, eq=False)
class Run:
    """One replicate by epoch, the evaluation before training left out.

    curves  training and validation by row of panels, as shown; NaN where one is not finite
    best    epoch of the evaluation that was best by what stopping looks at; None without any
    """

    curves: Mapping[str, tuple[pd.Series, pd.Series]]
    best: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw training and validation over epochs per replicate, the best point and the end."""
    rows = rows_of(context)
    named = " and ".join(label.partition(" ")[0] for label, *_ in rows)
    most = context.style.columns(_ACROSS, _NARROWEST)
    for subject in subjects(context, "columns"):
        if len(subject.joined(context.frames.epochs)):
            shown = stopping_points(subject)
            for name, levels in pages_of(subject.name, list(shown), most):
                figure = _draw(subject, {level: shown[level] for level in levels}, rows)
                what = f"Training and validation {named}"
                yield subject.drawing(figure, what, _spread(rows), name)


def rows_of(context: Context) -> list[tuple[str, str, str]]:
    """Return the rows of panels from above, each a label and the columns that it shows."""
    assert isinstance(context.item, StoppingPoints)
    unit = context.study.quantity("train/loss").unit
    loss = (f"loss ({unit})" if unit else "loss", "train/loss", "validation/loss")
    return [_ERROR, loss] if context.item.error else [loss]


def stopping_points(subject: Subject) -> Mapping[str, tuple[Run, ...]]:
    """Return each replicate, by level of `columns`."""
    rows = over_epochs(subject).set_index("epoch")
    return {
        level: tuple(
            _run(subject, run) for _, run in subject.where(rows, columns=level).groupby("replicate")
        )
        for level in subject.levels("columns")
    }


def _run(subject: Subject, rows: pd.DataFrame) -> Run:
    def shown(column: str) -> pd.Series:
        values = rows[column].astype(float)
        return 100 * (1 - values) if column.endswith("accuracy") else values

    config = subject.configs.get(rows["cell"].iloc[0])
    monitor = "validation/loss"
    if config is not None and isinstance(config.stopping, Patience):
        monitor = config.stopping.monitor
    watched = shown(monitor)
    finite = watched[np.isfinite(watched)]
    return Run(
        {label: (shown(train), shown(held_out)) for label, train, held_out in rows_of(subject)},
        float(finite.idxmin()) if len(finite) else None,
    )


def _draw(
    subject: Subject, shown: Mapping[str, tuple[Run, ...]], rows: list[tuple[str, str, str]]
) -> Figure:
    style = subject.style
    handles = [
        Line2D([], [], color=NEUTRAL, lw=0.8, ls=(0, (2, 1)), label="training"),
        Line2D([], [], color=NEUTRAL, lw=0.8, label="validation"),
        Line2D([], [], color=NEUTRAL, ls="", marker="o", mfc="white", label="best evaluation"),
        Line2D([], [], color=NEUTRAL, ls="", marker="s", label="end of training"),
    ]
    margins = Margins(left=0.5, top=0.2, across=0.12, down=0.12)
    width = min(style.two_columns, 0.6 + 2.4 * len(shown)) if style.height is None else None
    figure, axes = page(
        style, [1.4] * len(rows), len(shown), width or style.two_columns, margins,
        Legend("", handles, style), sharex=True, sharey="row",
    )  # fmt: skip
    for column, (level, runs) in zip(axes.T, shown.items(), strict=True):
        color = subject.ink("columns", level).color
        title = subject.title("columns", level, "", margins.panel_width(width or 7, len(shown)))
        column[0].set_title(title, loc="left")
        column[-1].set_xlabel("epoch")
        for axis, (label, *_) in zip(column, rows, strict=True):
            for run in runs:
                _draw_run(axis, *run.curves[label], run.best, color)
    for axis, (label, *_) in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
    return figure


def _draw_run(
    axis: Axes, training: pd.Series, validation: pd.Series, best: float | None, color: str
) -> None:
    axis.plot(training, color=color, lw=0.6, ls=(0, (2, 1)), alpha=0.8)
    axis.plot(validation, color=color, lw=0.7, alpha=0.8)
    if best is not None:
        axis.plot([best], [validation[best]], marker="o", mfc="white", mec=color, ms=3.6, zorder=3)
        axis.plot(validation.iloc[-1:], marker="s", color=color, ms=3)


def _spread(rows: list[tuple[str, str, str]]) -> str:
    error = "the training error is that after each epoch, " if len(rows) > 1 else ""
    return (
        "Two lines per replicate: training, dashed, and validation, with the evaluation that was "
        f"best by what stopping looks at and the one at which training ended; {error}the training "
        "loss the mean over its steps."
    )
