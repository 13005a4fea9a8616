"""The signal through the layers at initialization, and through training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

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
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS, listed, plain
from ablate.report.figures.theory import std_by_layer
from ablate.study.schema import Level

#: Rows of panels on one page; a study with more levels gets several figures.
_ROWS = 4
_QUANTITIES = {"activation": "std of activations", "activation_gradient": "std of gradients"}
_MARGINS = Margins(left=0.62, right=0.1, top=0.2, bottom=0.38, across=0.62, down=0.34)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the measured decay or growth matches theory, forward and backward."""
    layers = context.frames.layers
    layers = layers[layers["quantity"].isin(_QUANTITIES)]
    for subject in subjects(context, "lines", "rows"):
        rows = at_step(subject.joined(layers), "first")
        levels = subject.levels("rows")
        parts = math.ceil(len(levels) / _ROWS)
        size = math.ceil(len(levels) / parts)
        for part in range(parts):
            name = subject.name + (f"-{part + 1}" if parts > 1 else "")
            if len(rows):
                yield _by_layer(subject, name, rows, levels[part * size : (part + 1) * size])


def _by_layer(subject: Subject, name: str, rows: pd.DataFrame, levels: Sequence[Level]) -> Drawing:
    lines = subject.levels("lines")
    factor = subject.roles["lines"]
    drawn_theory, silent = False, set()
    handles = [
        level_handle(subject.look(factor, line), line.name, "marker") for line in lines if factor
    ]
    handles.append(Line2D([], [], color=NEUTRAL, linestyle=(0, (3, 1.5)), lw=0.8, label="theory"))
    legend = Legend(factor.label if factor else "", handles)
    figure, axes = page(len(levels), 2, TWO_COLUMNS, 1.35, _MARGINS, legend, sharex=True)
    for row, level in enumerate(levels):
        for column, quantity in enumerate(_QUANTITIES):
            axis: Axes = axes[row, column]
            axis.set_yscale("log")
            for line in lines:
                cell = subject.where(rows, lines=line, rows=level)
                cell = cell[cell["quantity"] == quantity]
                color = subject.look(factor, line).color if factor else NEUTRAL
                marker = subject.look(factor, line).marker if factor else "o"
                x, middle, low, high = band(cell, "layer", "std")
                if len(x) == 0 or not np.any(middle > 0):
                    silent.add(line.name)
                    continue
                axis.fill_between(x, low, high, color=color, alpha=0.2, lw=0)
                axis.plot(x, middle, color=color, marker=marker, lw=0.9, ms=3)
                theory = std_by_layer(subject.configs.get(cell["cell"].iloc[0]), quantity)
                if theory is not None and np.all(theory > 0):
                    # Theory gives gradients relative to the last layer: start where they do.
                    scale = middle[-1] if quantity == "activation_gradient" else 1.0
                    axis.plot(
                        np.arange(1, len(theory) + 1),
                        theory * scale,
                        color=NEUTRAL,
                        ls=(0, (3, 1.5)),
                        lw=0.8,
                    )
                    drawn_theory = True
            direction = "forward" if quantity == "activation" else "backward"
            panel_title(axis, f"{level.name}: {direction}" if level.name else direction)
    if not drawn_theory:
        figure.legends[0].remove()
        figure.legend(
            handles=handles[:-1], title=legend.title or None, alignment="left", loc="upper left",
            bbox_to_anchor=(0.04 / TWO_COLUMNS, 1 - 0.02 / figure.get_figheight()),
            borderaxespad=0.0, borderpad=0.1, ncols=legend.columns(TWO_COLUMNS),
            handlelength=2.2, handletextpad=0.5, columnspacing=1.0, labelspacing=0.25,
        )  # fmt: skip
    label_outer(axes, "layer", list(_QUANTITIES.values()))
    depth = int(rows["layer"].max())
    axes[0, 0].set_xticks(sorted({1, *range(2, depth + 1, max(1, depth // 5))}))
    spread = "Lines: median over replicates; bands: their range."
    if drawn_theory:
        spread += (
            " Dashed: theory for infinite width, backward relative to the measured last layer."
        )
    if silent:
        spread += f" No line: {listed(sorted(silent))}, whose signal is zero or not finite."
    caption = subject.caption(
        "Standard deviation of each layer's activations and of the loss gradient with respect to "
        "them, before the first step",
        spread,
    )
    return Drawing(name, caption, figure)


def few_ticks(axis: Axes) -> None:
    """Where a log axis spans little, label 1, 2 and 5 of a decade and nothing between."""
    axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_ylim()
    if low > 0 and high / low < 50:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def band(
    cell: pd.DataFrame, x: str, y: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return positions, and median, lowest and highest of what can stand on a log axis."""
    positive = cell[np.isfinite(cell[y]) & (cell[y] > 0)]
    groups = positive.groupby(x)[y]
    middle = groups.median()
    return (
        middle.index.to_numpy(dtype=float),
        middle.to_numpy(),
        groups.min().to_numpy(),
        groups.max().to_numpy(),
    )
