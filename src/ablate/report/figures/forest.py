"""Numbers with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.figures.canvas import Margins, page
from ablate.report.figures.style import SMALL, TWO_COLUMNS, text_width

_ROW = 0.24  # inches
#: Ink of what is shown, and of what is shown to be otherwise.
SHOWN, DENIED = "#0173b2", "#d55e00"


@dataclass(frozen=True)
class Row:
    """One number, as the axis shows it.

    low, high  of its interval; None where there is none
    note       at the right
    marks      strokes across its line, where the margin lies
    """

    name: str
    value: float
    low: float | None
    high: float | None
    ink: str
    note: str
    marks: tuple[float, ...] = ()


def forest(panels: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw effects by the label of their axis, a panel each."""
    everything = [row for rows in panels.values() for row in rows]
    left = 0.15 + max(text_width(row.name) for row in everything)
    right = 0.2 + max(text_width(row.note) for row in everything)
    margins = Margins(left=left, right=right, top=0.08, bottom=0.38, down=0.5)
    heights = [_ROW * len(rows) + 0.1 for rows in panels.values()]
    figure, axes = page(len(panels), 1, TWO_COLUMNS * 0.75, 0.0, margins, heights=heights)
    for axis, (label, rows) in zip(axes[:, 0], panels.items(), strict=True):
        draw_rows(axis, rows, label)
        axis.axvline(0, color="#bbbbbb", lw=0.6, zorder=0)
    return figure


def draw_rows(axis: Axes, rows: Sequence[Row], label: str) -> None:
    """Draw rows from the top of a panel, their notes right of it."""
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            axis.plot([row.low, row.high], [place, place], color=row.ink, lw=1.1)
        axis.plot([row.value], [place], "o", color=row.ink, ms=3.8, clip_on=False)
        for mark in row.marks:
            axis.plot([mark] * 2, [place - 0.3, place + 0.3], color="#777777", lw=0.8)
        axis.annotate(
            row.note, (1.02, place), xycoords=("axes fraction", "data"), va="center",
            fontsize=SMALL,
        )  # fmt: skip
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [row.name for row in rows])
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(label)


def axis_label(unit: str) -> str:
    """Return what an axis of effects in `unit` is called."""
    return f"effect ({'%' if unit == 'share' else unit})" if unit else "effect"
