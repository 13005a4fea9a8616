"""Numbers with their intervals, one below the other."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablate.report.figures.canvas import Margins, page
from ablate.report.figures.marks import marked, shown
from ablate.report.figures.style import plain, text_width
from ablate.report.sizes import PAPER, Style

_ROW = 0.24  # inches
_PRESSED = 15.0
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


def forest(panels: Mapping[str, Sequence[Row]], style: Style = PAPER) -> Figure:
    """Draw effects by the label of their axis, a panel each."""
    everything = [row for rows in panels.values() for row in rows]
    left = 0.15 + max(text_width(row.name, style.small) for row in everything)
    right = 0.2 + max(text_width(row.note, style.small) for row in everything)
    margins = Margins(left=left, right=right, down=0.5)
    heights = [_ROW * len(rows) + 0.1 for rows in panels.values()]
    figure, axes = page(style, heights, 1, style.share(0.75), margins)
    for axis, (label, rows) in zip(axes[:, 0], panels.items(), strict=True):
        linear = linear_until(rows)
        if linear is not None:
            axis.set_xscale("symlog", linthresh=linear, linscale=1.5)
            axis.xaxis.set_major_locator(FixedLocator(_places(rows, linear)))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
            label = f"{label}, logarithmic beyond ±{plain(linear)}"
        draw_rows(axis, rows, label, style)
        axis.axvline(0, color="#bbbbbb", lw=0.6, zorder=0)
    return figure


def linear_until(rows: Sequence[Row]) -> float | None:
    """Return up to where an axis is linear, where one effect would press the others on zero.

    None where none reaches 15 times as far as the middle one.
    """
    reaches = sorted(_reach(row) for row in rows if _reach(row) > 0)
    if len(reaches) < 3 or reaches[-1] < _PRESSED * reaches[len(reaches) // 2]:
        return None
    middle = reaches[len(reaches) // 2]
    power = 10.0 ** math.floor(math.log10(middle))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= middle)


def _reach(row: Row) -> float:
    return max(abs(end) for end in (row.value, row.low, row.high) if end is not None)


def _places(rows: Sequence[Row], linear: float) -> list[float]:
    """Return the ticks of such an axis: of its linear part, and a round one near each end."""
    low = min(end for row in rows for end in (row.value, row.low) if end is not None)
    high = max(end for row in rows for end in (row.value, row.high) if end is not None)
    places = [0.0]
    for sign, end in ((-1, -low), (1, high)):
        places += [sign * place for place in (linear / 2, linear) if end > 0.8 * place]
        if end >= 2 * linear:
            digit = 10.0 ** math.floor(math.log10(end))
            places.append(sign * digit * math.floor(end / digit))
    return sorted(places)


def split(
    panels: Mapping[str, Sequence[Row]], style: Style
) -> Iterator[Mapping[str, Sequence[Row]]]:
    """Yield the panels, or as many of their rows at a time as one figure takes."""
    most = style.fitting(sum(map(len, panels.values())), _ROW, besides=0.75)
    if style.height is None:
        yield panels
        return
    for panel, rows in panels.items():
        each = math.ceil(len(rows) / math.ceil(len(rows) / most))
        for first in range(0, len(rows), each):
            yield {panel: rows[first : first + each]}


def draw_rows(axis: Axes, rows: Sequence[Row], label: str, style: Style) -> None:
    """Draw rows from the top of a panel, their notes right of it."""
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            axis.plot([row.low, row.high], [place, place], color=row.ink, lw=1.1)
        dot = axis.plot([row.value], [place], "o", color=row.ink, ms=3.8, clip_on=False)
        told = {"name": row.name, "value": shown(row.value), "note": row.note}
        marked(dot, {}, [told | {"low": _end(row.low), "high": _end(row.high)}])
        for mark in row.marks:
            axis.plot([mark] * 2, [place - 0.3, place + 0.3], color="#777777", lw=0.8)
        write_beside(axis, place, row.note, style)
    name_rows(axis, [row.name for row in rows])
    axis.set_xlabel(label)


def _end(limit: float | None) -> str:
    return "" if limit is None else shown(limit)


def name_rows(axis: Axes, names: Sequence[str]) -> None:
    """Let rows stand one below the other, at 0, 1 and so on, with their names at the left."""
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(axis="y", length=0)


def write_beside(axis: Axes, place: int, note: str, style: Style) -> None:
    """Write a note right of a row."""
    axis.annotate(
        note, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=style.small
    )


def head_notes(axis: Axes, heading: str, style: Style) -> None:
    """Write what the notes right of a panel are above them; a grid leads the eye to them."""
    axis.annotate(
        heading, (1.02, 1.0), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points",
        fontsize=style.small,
    )  # fmt: skip
    axis.grid(axis="x", lw=0.3, color="#cccccc")
    axis.set_axisbelow(True)


def axis_label(unit: str) -> str:
    """Return what an axis of effects in `unit` is called."""
    return f"effect ({'%' if unit == 'share' else unit})" if unit else "effect"
