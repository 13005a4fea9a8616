"""Learning curves: how fast, how stable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    label_outer,
    level_handle,
    page,
    panel_title,
)
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS
from ablate.study.schema import Level

_MARGINS = Margins(left=0.5, right=0.1, top=0.2, bottom=0.38, across=0.55, down=0.32)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw training loss and validation accuracy over steps, a row of panels per other level."""
    for subject in subjects(context, "lines", "rows"):
        losses = subject.joined(context.frames.curves)
        epochs = subject.joined(context.frames.epochs)
        if len(epochs):
            yield _draw(subject, losses, epochs)


def _draw(subject: Subject, losses: pd.DataFrame, epochs: pd.DataFrame) -> Drawing:
    lines, levels = subject.levels("lines"), subject.levels("rows")
    factor = subject.roles["lines"]
    handles = [level_handle(subject.look(factor, v), v.name, "dash") for v in lines if factor]
    legend = Legend(factor.label if factor else "", handles) if handles else None
    figure, axes = page(
        len(levels), 2, TWO_COLUMNS, 1.35, _MARGINS, legend, sharex=True, sharey="col"
    )
    accuracy = epochs.assign(value=100 * epochs["validation/accuracy"])
    converged = losses.loc[losses["status"] == "done", "loss"]
    # A run that exploded would press all others flat against the axis.
    ceiling = 5 * float(converged.max()) if len(converged) else float("inf")
    above = bool((losses["loss"] > ceiling).any())
    losses = losses.assign(value=losses["loss"].clip(upper=ceiling))
    for row, level in enumerate(levels):
        for column, frame in enumerate((losses, accuracy)):
            axis: Axes = axes[row, column]
            for line in lines:
                cell = subject.where(frame, lines=line, rows=level)
                _curves(axis, subject, line, cell[np.isfinite(cell["value"])])
            axis.set_xscale("log")
            what = ("training loss", "validation accuracy")[column]
            panel_title(axis, f"{level.name}: {what}" if level.name else what)
        axes[row, 0].set_yscale("log")
    label_outer(axes, "step", ["loss (nats)", "accuracy (%)"])
    lost = (subject.runs["status"] == "diverged").any()
    spread = "Lines: median over the replicates that converged; bands: their range."
    if lost:
        spread += " Thin lines, ending in a cross: single runs that did not converge."
    if above:
        spread += " Losses beyond five times the highest converged one stand at the upper edge."
    spread += " The evaluation before the first step stands at step 1."
    caption = subject.caption("Learning curves", spread)
    return Drawing(subject.name, caption, figure)


def _curves(axis: Axes, subject: Subject, line: Level, cell: pd.DataFrame) -> None:
    factor = subject.roles["lines"]
    color = subject.look(factor, line).color if factor else NEUTRAL
    dash = subject.look(factor, line).dash if factor else "-"
    cell = cell[cell["step"] >= 0].assign(x=cell["step"].clip(lower=1))
    groups = cell[cell["status"] == "done"].groupby("x")["value"]
    middle = groups.median()
    if len(middle):
        x = middle.index.to_numpy(dtype=float)
        axis.fill_between(x, groups.min(), groups.max(), color=color, alpha=0.2, lw=0)
        axis.plot(x, middle.to_numpy(), color=color, ls=dash)
    for _, run in cell[cell["status"] == "diverged"].groupby("replicate"):
        axis.plot(run["x"], run["value"], color=color, lw=0.35, alpha=0.7)
        last = run.iloc[-1]
        axis.plot([last["x"]], [last["value"]], color=color, marker="x", ms=3.5, mew=0.8)
