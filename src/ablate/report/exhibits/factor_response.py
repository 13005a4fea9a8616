"""What a factor does to the metric: points, means and intervals over its levels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from ablate.metrics import Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.marks import marked
from ablate.report.figures.quantity import sentence_case, with_quantity
from ablate.report.figures.sample import CellSample, cell_samples, draw_intervals
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import Look, level_number, plain, text_width
from ablate.report.sizes import Style
from ablate.study.schema import Factor, Level

_STRIP = 0.16  # inches of the n/c strip per line
#: Runs of one figure that are drawn as a dot each; of more they are a cloud, and megabytes.
_MOST_DOTS = 4_000


@dataclass(frozen=True)
class Response:
    """A quantity over the levels of a factor.

    places      where each level stands on the axis
    zero_apart  the first is 0 on a log axis, where it has no place: it stands left of the rest
    lines       by level of `lines`, a cell per level
    """

    axis: Literal["category", "linear", "log"]
    places: tuple[float, ...]
    zero_apart: bool
    lines: Mapping[str, tuple[CellSample, ...]]

    @property
    def has_dots(self) -> bool:
        """Whether every run is a dot; else their range is a stroke."""
        cells = (cell for cells in self.lines.values() for cell in cells)
        return sum(len(cell.values) for cell in cells) <= _MOST_DOTS


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the metric against the levels of a factor, one line per level of another.

    Options `metric: weights/norm` and `probe: zero` show another quantity. Raises ReportError
    where no run reports it.
    """
    context, column, quantity = with_quantity(context)
    for subject in subjects(context, "x", "lines", numeric_first=True):
        yield _draw(subject, response(subject, column, quantity.scale), quantity)


def response(subject: Subject, column: str, scale: float) -> Response:
    """Return what is drawn of a column of the runs frame, each value times `scale`."""
    lines = cell_samples(subject, "lines", "x", column, scale)
    return Response(*_places(subject.factor("x"), subject.with_runs("x")), lines)


def _places(
    factor: Factor, levels: Sequence[Level]
) -> tuple[Literal["category", "linear", "log"], tuple[float, ...], bool]:
    """Return the axis, where each level stands on it, and whether the first is a zero apart."""
    numbers = [number for level in levels if (number := level_number(level)) is not None]
    if factor.axis == "category" or len(numbers) < len(levels):
        return "category", tuple(float(index) for index in range(len(levels))), False
    apart = factor.axis == "log" and len(levels) > 1 and numbers[0] == 0
    if apart:
        # Nothing lies at 0 on a log axis: one step left of the rest, and no line leads there.
        step = numbers[2] / numbers[1] if len(numbers) > 2 else 10.0
        numbers[0] = numbers[1] / step
    return factor.axis, tuple(float(number) for number in numbers), apart


def _draw(subject: Subject, shown: Response, quantity: Quantity) -> Drawing:
    factor = subject.factor("x")
    has_strip = any(cell.not_converged for cells in shown.lines.values() for cell in cells)
    heights = [1.9, _STRIP * len(shown.lines)] if has_strip else [1.9]
    legend = subject.legend("lines")
    style = subject.style
    margins = Margins(left=_room_for_names(shown, style) if has_strip else 0.5, down=0.06)
    figure, axes = page(style, heights, 1, style.one_column, margins, legend, sharex=True)
    axis: Axes = axes[0, 0]
    if shown.axis != "category":
        axis.set_xscale(shown.axis)
    for index, (line, cells) in enumerate(shown.lines.items()):
        _line(axis, _beside(shown, index), cells, shown, subject.ink("lines", line))
    axis.set_ylabel(quantity.title)
    _leave_room(axis, shown)
    if has_strip:
        _strip(axes[1, 0], shown, style)
    if factor.axis == "category" or len(shown.places) <= 10:
        names = [_short(level) for level in subject.levels("x")]
        for panel in axes[:, 0]:
            panel.set_xticks(shown.places, names)
            panel.minorticks_off()
    axes[-1, 0].set_xlabel(factor.label)
    runs = "Dots: replicates" if shown.has_dots else "Thin strokes: the range of replicates"
    spread = f"{runs} that converged; markers: their mean with its 95 % t interval."
    if has_strip:
        spread += " Below: share of runs that did not converge (n/c)."
    what = f"{sentence_case(quantity.label)} against {factor.label}"
    return subject.drawing(figure, what, spread)


def _short(level: str) -> str:
    """Return a level's name, a small power of ten as such: 10⁻⁵ for 1e-05."""
    return plain(float(level)) if re.fullmatch(r"[\d.]+e-\d+", level) else level


def _beside(shown: Response, index: int) -> tuple[float, ...]:
    """Return where a line's points stand: lines side by side, so that none hides another."""
    offset = 0.12 * (index - (len(shown.lines) - 1) / 2) / max(len(shown.lines) - 1, 1)
    is_log = shown.axis == "log"
    steps = np.diff(sorted(np.log(shown.places) if is_log else shown.places))
    shift = offset * (float(steps.min()) if len(steps) else 1.0)
    return tuple(x * float(np.exp(shift)) if is_log else x + shift for x in shown.places)


def _line(
    axis: Axes, places: Sequence[float], cells: Sequence[CellSample], shown: Response, look: Look
) -> None:
    for x, cell in zip(places, cells, strict=True) if shown.has_dots else ():
        dots = [x] * len(cell.values)
        drawn = axis.plot(dots, cell.values, ls="", marker=".", ms=2.5, color=look.color, alpha=0.5)
        marked(drawn, {}, cell.points)
    points = [(x, cell) for x, cell in zip(places, cells, strict=True) if cell.values]
    if points and not shown.has_dots:
        ends = zip(*((min(cell.values), max(cell.values)) for _, cell in points), strict=True)
        axis.vlines([x for x, _ in points], *ends, color=look.color, lw=0.4, alpha=0.5)
    cut = 1 if shown.zero_apart and cells[0].values else 0
    for part in filter(None, (points[:cut], points[cut:])):
        draw_intervals(axis, [x for x, _ in part], [cell for _, cell in part], look)


def _leave_room(axis: Axes, shown: Response) -> None:
    """Keep the counts of the n/c strip, centred on the outer levels, inside the panel."""
    if len(shown.places) < 2:
        return
    low, high = min(shown.places), max(shown.places)
    if shown.axis == "log":
        room = (high / low) ** 0.07
        axis.set_xlim(low / room, high * room)
    else:
        room = 0.07 * (high - low)
        axis.set_xlim(low - room, high + room)


def _names(shown: Response) -> list[str]:
    return [f"n/c {line}".strip() for line in shown.lines]


def _room_for_names(shown: Response, style: Style) -> float:
    """Return the left margin in inches that the rows of the n/c strip need, the usual at least."""
    return max(0.5, 0.1 + max(text_width(name, style.small - 1) for name in _names(shown)))


def _strip(axis: Axes, shown: Response, style: Style) -> None:
    """Write n/c runs of all runs below each level, a row per line."""
    for row, cells in enumerate(shown.lines.values()):
        for x, cell in zip(shown.places, cells, strict=True):
            if cell.runs:
                axis.text(
                    x, -row, f"{cell.not_converged}/{cell.runs}" if cell.not_converged else "0",
                    ha="center", va="center", fontsize=style.small - 1.5,
                    color="black" if cell.not_converged else "#888888",
                    fontweight="bold" if cell.not_converged == cell.runs else "normal",
                )  # fmt: skip
    axis.set_ylim(-len(shown.lines) + 0.5, 0.5)
    names = _names(shown)
    axis.set_yticks([-row for row in range(len(names))], names, fontsize=style.small - 1)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
