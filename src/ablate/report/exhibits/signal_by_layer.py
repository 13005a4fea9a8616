"""The signal through the layers at initialization, forward and backward."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, few_log_ticks, label_outer, page
from ablate.report.figures.layers import Floats, pages_of, predicted_std, probed
from ablate.report.figures.sample import band, draw_band
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import NEUTRAL
from ablate.report.wording import listed

_WHAT = (
    "Standard deviation of each layer's activations and of the loss gradient with respect to them, "
    "before the first step"
)
#: Rows of panels on one page; a study with more levels gets several figures.
_ROWS = 4
#: What the columns of panels show: title, and label of the axis.
_QUANTITIES = {
    "activation": ("forward", "std of activations"),
    "activation_gradient": ("backward", "std of gradients"),
}
#: What is read of the frame of layers.
_READ = ("cell", "replicate", "step", "layer", "quantity", "std")
_MARGINS = Margins(left=0.62, right=0.1, top=0.2, across=0.62, down=0.34)
_DASHED: dict[str, Any] = {"color": NEUTRAL, "linestyle": (0, (3, 1.5)), "lw": 0.8}


@dataclass(frozen=True, eq=False)
class Line:
    """The std by layer in one cell, as a band, and in theory (L,) where there is one."""

    measured: pd.DataFrame
    theory: Floats | None


@dataclass(frozen=True, eq=False)
class Signals:
    """What one page shows.

    lines   by level of `rows`, quantity and level of `lines`; a cell has none if nothing of it
            can stand on a log axis
    silent  levels of `lines` that lack such a line though they have runs
    depth   of the deepest network
    """

    rows: tuple[str, ...]
    lines: Mapping[tuple[str, str, str], Line]
    silent: tuple[str, ...]
    depth: int

    @property
    def has_theory(self) -> bool:
        """Whether theory predicts any of the lines."""
        return any(line.theory is not None for line in self.lines.values())


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the measured decay or growth matches theory, forward and backward."""
    # A frame of what is drawn alone: rows are chosen a hundred times, of histograms as well.
    layers = probed(context, _READ, quantity=_QUANTITIES)
    for subject in subjects(context, "lines", "rows"):
        rows = at_step(subject.joined(layers), "first")
        most = subject.style.fitting(_ROWS, 1.35)
        for name, levels in pages_of(subject.name, subject.levels("rows"), most):
            if len(rows):
                shown = signals(subject, rows, levels)
                yield subject.drawing(_draw(subject, shown), _WHAT, _spread(shown), name)


def signals(subject: Subject, rows: pd.DataFrame, levels: Sequence[str]) -> Signals:
    """Return the lines of one page; `rows` are those of the first probed step of each run."""
    lines, silent = {}, set()
    for level, quantity, at in product(levels, _QUANTITIES, subject.levels("lines")):
        cell = subject.where(rows, lines=at, rows=level)
        own = cell[cell["quantity"] == quantity]
        measured = band(own[own["std"] > 0], "layer", "std")
        if len(measured):
            theory = predicted_std(subject, own, quantity)
            visible = theory is not None and bool(np.all(theory > 0))
            lines[level, quantity, at] = Line(measured, theory if visible else None)
        elif len(cell):
            silent.add(at)
    return Signals(tuple(levels), lines, tuple(sorted(silent)), int(rows["layer"].max()))


def _draw(subject: Subject, shown: Signals) -> Figure:
    theory = [Line2D([], [], label="theory", **_DASHED)] if shown.has_theory else []
    legend = subject.legend("lines", more=theory)
    figure, axes = page(
        subject.style, [1.35] * len(shown.rows), 2, subject.style.two_columns, _MARGINS, legend,
        sharex=True,
    )  # fmt: skip
    panels = dict(zip(product(shown.rows, _QUANTITIES), axes.flat, strict=True))
    width = _MARGINS.panel_width(subject.style.two_columns, 2)
    for (row, quantity), axis in panels.items():
        direction, _ = _QUANTITIES[quantity]
        axis.set_yscale("log")
        axis.set_title(subject.title("rows", row, direction, width), loc="left")
    names = subject.levels("lines")
    for (row, quantity, level), line in shown.lines.items():
        axis, look = panels[row, quantity], subject.ink("lines", level)
        # Of many layers every third is marked, each line's at other ones: lines that lie on each
        # other are told apart, and no marker hides another.
        every = (names.index(level) % 3, 3) if shown.depth > 6 else 1
        told = subject.told(lines=level, rows=row)
        draw_band(
            axis, line.measured, look.color, told, marker=look.marker, lw=0.9, ms=3,
            markevery=every,
        )  # fmt: skip
        if line.theory is not None:
            axis.plot(np.arange(1, len(line.theory) + 1), line.theory, **_DASHED)
    for axis in axes.flat:
        few_log_ticks(axis)
    label_outer(axes, "layer", [label for _, label in _QUANTITIES.values()])
    ticks = {1, *range(2, shown.depth + 1, max(1, shown.depth // 5))}
    axes[0, 0].set_xticks(sorted(ticks))
    return figure


def _spread(shown: Signals) -> str:
    spread = "Lines: median over replicates; bands: their range."
    if shown.has_theory:
        spread += (
            " Dashed: theory for infinite width, backward relative to the measured last layer."
        )
    if shown.silent:
        spread += f" No line: {listed(shown.silent)}, whose signal is zero or not finite."
    return spread
