"""Numbers with their intervals, one below the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.figures.canvas import Margins, page
from ablate.report.figures.marks import marked, shown
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
    margins = Margins(left=left, right=right, down=0.5)
    heights = [_ROW * len(rows) + 0.1 for rows in panels.values()]
    figure, axes = page(heights, 1, TWO_COLUMNS * 0.75, margins)
    for axis, (label, rows) in zip(axes[:, 0], panels.items(), strict=True):
        draw_rows(axis, rows, label)
        axis.axvline(0, color="#bbbbbb", lw=0.6, zorder=0)
    return figure


def draw_rows(axis: Axes, rows: Sequence[Row], label: str) -> None:
    """Draw rows from the top of a panel, their notes right of it."""
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            axis.plot([row.low, row.high], [place, place], color=row.ink, lw=1.1)
        dot = axis.plot([row.value], [place], "o", color=row.ink, ms=3.8, clip_on=False)
        told = {"name": row.name, "value": shown(row.value), "note": row.note}
        marked(dot, {}, [told | {"low": _end(row.low), "high": _end(row.high)}])
        for mark in row.marks:
            axis.plot([mark] * 2, [place - 0.3, place + 0.3], color="#777777", lw=0.8)
        write_beside(axis, place, row.note)
    name_rows(axis, [row.name for row in rows])
    axis.set_xlabel(label)


def _end(limit: float | None) -> str:
    return "" if limit is None else shown(limit)


def name_rows(axis: Axes, names: Sequence[str]) -> None:
    """Let rows stand one below the other, at 0, 1 and so on, with their names at the left."""
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(axis="y", length=0)


def write_beside(axis: Axes, place: int, note: str) -> None:
    """Write a note right of a row."""
    axis.annotate(
        note, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL
    )


def head_notes(axis: Axes, heading: str) -> None:
    """Write what the notes right of a panel are above them; a grid leads the eye to them."""
    axis.annotate(
        heading, (1.02, 1.0), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points",
        fontsize=SMALL,
    )  # fmt: skip
    axis.grid(axis="x", lw=0.3, color="#cccccc")
    axis.set_axisbelow(True)


def axis_label(unit: str) -> str:
    """Return what an axis of effects in `unit` is called."""
    return f"effect ({'%' if unit == 'share' else unit})" if unit else "effect"
