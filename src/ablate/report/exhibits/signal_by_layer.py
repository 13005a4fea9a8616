"""The signal through the layers at initialization, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Margins,
    label_outer,
    page,
    panel_title,
    with_handles,
)
from ablate.report.figures.layers import (
    Band,
    Floats,
    band,
    draw_band,
    pages_of,
    predicted_std,
)
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS, listed
from ablate.study.schema import Level

#: Rows of panels on one page; a study with more levels gets several figures.
_ROWS = 4
#: What the columns of panels show: title, and label of the axis.
_QUANTITIES = {
    "activation": ("forward", "std of activations"),
    "activation_gradient": ("backward", "std of gradients"),
}
_MARGINS = Margins(left=0.62, right=0.1, top=0.2, bottom=0.38, across=0.62, down=0.34)
_DASHED: dict[str, Any] = {"color": NEUTRAL, "linestyle": (0, (3, 1.5)), "lw": 0.8}


@dataclass(frozen=True, eq=False)
class Line:
    """The std of each layer at one level, and what theory says it is: (L,), None without theory."""

    level: Level
    measured: Band
    theory: Floats | None


@dataclass(frozen=True, eq=False)
class Signals:
    """What one page shows.

    panels  the lines of each panel by quantity, a mapping per level of `rows`
    silent  names of the lines that some panel lacks, because nothing can stand on its log axis
    depth   of the deepest network
    """

    rows: tuple[str, ...]
    panels: tuple[dict[str, tuple[Line, ...]], ...]
    silent: tuple[str, ...]
    depth: int

    @property
    def has_theory(self) -> bool:
        """Whether theory predicts any of the lines."""
        lines = [line for panel in self.panels for lines in panel.values() for line in lines]
        return any(line.theory is not None for line in lines)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the measured decay or growth matches theory, forward and backward."""
    layers = context.frames.layers
    layers = layers[layers["quantity"].isin(_QUANTITIES)]
    for subject in subjects(context, "lines", "rows"):
        rows = at_step(subject.joined(layers), "first")
        for name, levels in pages_of(subject.name, subject.levels("rows"), _ROWS):
            if len(rows):
                shown = signals(subject, rows, levels)
                yield Drawing(name, _caption(subject, shown), _draw(subject, shown))


def signals(subject: Subject, rows: pd.DataFrame, levels: Sequence[Level]) -> Signals:
    """Return the lines of one page; `rows` are those of the first probed step of each run."""
    panels, silent = [], set()
    for level in levels:
        panel: dict[str, tuple[Line, ...]] = {}
        for quantity in _QUANTITIES:
            lines = []
            for at in subject.levels("lines"):
                cell = subject.where(rows, lines=at, rows=level)
                line = _line(subject, cell[cell["quantity"] == quantity], quantity, at)
                if len(line.measured.x):
                    lines.append(line)
                elif len(cell):
                    silent.add(at.name)
            panel[quantity] = tuple(lines)
        panels.append(panel)
    names = tuple(level.name for level in levels)
    return Signals(names, tuple(panels), tuple(sorted(silent)), int(rows["layer"].max()))


def _line(subject: Subject, cell: pd.DataFrame, quantity: str, at: Level) -> Line:
    theory = predicted_std(subject, cell, quantity)
    if theory is not None and not np.all(theory > 0):
        theory = None
    return Line(at, band(cell, "layer"), theory)


def _draw(subject: Subject, shown: Signals) -> Figure:
    theory = [Line2D([], [], label="theory", **_DASHED)] if shown.has_theory else []
    legend = with_handles(subject.legend("lines", "marker"), *theory)
    figure, axes = page(len(shown.rows), 2, TWO_COLUMNS, 1.35, _MARGINS, legend, sharex=True)
    for row, name, panel in zip(axes, shown.rows, shown.panels, strict=True):
        for axis, (quantity, (direction, _)) in zip(row, _QUANTITIES.items(), strict=True):
            axis.set_yscale("log")
            _draw_lines(axis, subject, panel[quantity])
            panel_title(axis, f"{name}: {direction}" if name else direction)
    label_outer(axes, "layer", [label for _, label in _QUANTITIES.values()])
    ticks = {1, *range(2, shown.depth + 1, max(1, shown.depth // 5))}
    axes[0, 0].set_xticks(sorted(ticks))
    return figure


def _draw_lines(axis: Axes, subject: Subject, lines: Sequence[Line]) -> None:
    for line in lines:
        look = subject.ink("lines", line.level)
        draw_band(axis, line.measured, look.color, marker=look.marker, lw=0.9, ms=3)
        if line.theory is not None:
            axis.plot(np.arange(1, len(line.theory) + 1), line.theory, **_DASHED)


def _caption(subject: Subject, shown: Signals) -> str:
    spread = "Lines: median over replicates; bands: their range."
    if shown.has_theory:
        spread += (
            " Dashed: theory for infinite width, backward relative to the measured last layer."
        )
    if shown.silent:
        spread += f" No line: {listed(shown.silent)}, whose signal is zero or not finite."
    return subject.caption(
        "Standard deviation of each layer's activations and of the loss gradient with respect to "
        "them, before the first step",
        spread,
    )
