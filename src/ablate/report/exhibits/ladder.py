"""Levels one below the other with their differences: a ladder of parts, or one left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from ablate.metrics import Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.forest import head_notes, name_rows, write_beside
from ablate.report.figures.layers import pages_of
from ablate.report.figures.marks import marked
from ablate.report.figures.quantity import sentence_case, with_quantity
from ablate.report.figures.sample import CellSample, Sample, cell_sample, draw_intervals
from ablate.report.figures.select import Subject, converged, subjects
from ablate.report.figures.style import NO_LEVEL, text_width
from ablate.report.number_text import decimals
from ablate.report.sizes import Style
from ablate.study.items import Ladder

_ROW = 0.23  # inches


@dataclass(frozen=True)
class Rung:
    """One level.

    difference  to another, of pairs of replicates that both converged; None for the first level
    """

    level: str
    cell: CellSample
    difference: Sample | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw each level's mean and, beside it, its difference to the level above.

    Option `against: first` takes differences to the first level. Raises ReportError where no run
    reports the metric.
    """
    assert isinstance(context.item, Ladder)
    if context.item.against == "first":
        return differences(context, to_first=True, other="the first")
    return differences(context, to_first=False, other="the one above")


def differences(context: Context, to_first: bool, other: str = "") -> Iterator[Drawing]:
    """Draw levels one below the other, each with its difference to another.

    other  what that is called; by default by the name of the first
    """
    context, column, quantity = with_quantity(context)
    for subject in subjects(context, "rows"):
        shown = rungs(subject, column, quantity.scale, to_first)
        heading = f"difference to {other or shown[0].level}"
        by_level = {rung.level: rung for rung in shown}
        most = subject.style.fitting(len(shown), _ROW)
        for name, levels in pages_of(subject.name, list(by_level), most):
            yield _draw(subject, [by_level[level] for level in levels], quantity, heading, name)


def rungs(subject: Subject, column: str, scale: float, to_first: bool) -> tuple[Rung, ...]:
    """Return what is drawn of a column of the runs frame, each value times `scale`."""
    levels = subject.levels("rows")
    runs = [subject.where(subject.runs, rows=level) for level in levels]
    paired = [converged(rows).set_index("replicate")[column] for rows in runs]
    shown = []
    for row, level in enumerate(levels):
        difference = None
        if row:
            pairs = scale * (paired[row] - paired[0 if to_first else row - 1]).dropna()
            difference = Sample(tuple(pairs))
        shown.append(Rung(level, cell_sample(runs[row], column, scale), difference))
    return tuple(shown)


def _draw(
    subject: Subject, shown: Sequence[Rung], quantity: Quantity, heading: str, name: str
) -> Drawing:
    names = [rung.level for rung in shown]
    style = subject.style
    left = 0.15 + max(text_width(name, style.small) for name in names)
    margins = Margins(left=left, right=0.25 + text_width(heading, style.small), top=0.22)
    figure, axes = page(style, [_ROW * len(shown)], 1, style.share(0.75), margins)
    axis: Axes = axes[0, 0]
    for row, rung in enumerate(shown):
        _rung(axis, row, rung, style)
    head_notes(axis, heading, style)
    name_rows(axis, names)
    axis.set_xlabel(quantity.title)
    spread = (
        "Dots: replicates that converged; circles: their mean with its 95 % t interval. At the "
        "right: mean difference of pairs that both converged, with the half-width of its "
        "95 % t interval."
    )
    what = f"{sentence_case(quantity.label)} by {subject.factor('rows').label}"
    return subject.drawing(figure, what, spread, name)


def _rung(axis: Axes, row: int, rung: Rung, style: Style) -> None:
    cell = rung.cell
    places = [row] * len(cell.values)
    dots = axis.plot(cell.values, places, ls="", marker=".", ms=2.5, color="#999999")
    marked(dots, {}, cell.points)
    if cell.values:
        draw_intervals(axis, [row], [cell], NO_LEVEL, across=True, size=3.6)
    notes = [] if rung.difference is None else [_text(rung.difference)]
    if cell.not_converged:
        notes.append(f"{cell.not_converged} n/c")
    write_beside(axis, row, "  ".join(notes), style)


def _text(difference: Sample) -> str:
    if not difference.values:
        return "no pair"
    if not np.any(difference.values):
        return "0"
    half = difference.half_width
    if half == 0:  # the same in every pair
        return f"{difference.mean:+.4g}".replace("-", "−")
    digits = 2 if half is None else decimals(half, 4)
    text = f"{difference.mean:+.{digits}f}".replace("-", "−")
    return text if half is None else f"{text} ± {half:.{digits}f}"
