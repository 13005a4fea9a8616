"""The layers' activations while the network trains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.report.context import Context
from ablate.report.exhibits.signal_by_layer import band, few_ticks
from ablate.report.figures.canvas import Drawing, Legend, Margins, label_outer, page, panel_title
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import TWO_COLUMNS, shades


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the layers' distributions hold still while the network trains."""
    layers = context.frames.layers
    layers = layers[layers["quantity"] == "activation"]
    for subject in subjects(context, "columns", "rows"):
        rows = subject.joined(layers)
        if len(rows):
            yield _over_training(subject, rows)


def _over_training(subject: Subject, rows: pd.DataFrame) -> Drawing:
    depth = int(rows["layer"].max())
    chosen = sorted({round(x) for x in np.linspace(1, depth, min(4, depth))})
    colors = dict(zip(chosen, shades(len(chosen)), strict=True))
    handles = [Line2D([], [], color=colors[n], label=f"layer {n}") for n in chosen]
    columns, levels = subject.levels("columns"), subject.levels("rows")
    figure, axes = page(
        len(levels), len(columns), TWO_COLUMNS, 1.1, Margins(left=0.6, top=0.2, across=0.15),
        Legend("", handles), sharex=True, sharey=True,
    )  # fmt: skip
    for row, level in enumerate(levels):
        for column, across in enumerate(columns):
            axis: Axes = axes[row, column]
            cell = subject.where(rows, columns=across, rows=level)
            for number in chosen:
                x, middle, low, high = band(cell[cell["layer"] == number], "step", "std")
                axis.fill_between(x, low, high, color=colors[number], alpha=0.2, lw=0)
                axis.plot(x, middle, color=colors[number])
            axis.set_xscale("symlog", linthresh=1)
            axis.set_yscale("log")
            few_ticks(axis)
            panel_title(axis, " · ".join(filter(None, [across.name, level.name])))
    label_outer(axes, "step", ["std of activations"])
    caption = subject.caption(
        "Standard deviation of activations over training",
        "Lines: median over replicates; bands: their range.",
    )
    return Drawing(subject.name, caption, figure)
