"""Levels one below the other with their differences: a ladder of parts, or one left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.quantity import Quantity, file_name, with_quantity
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, SMALL, TWO_COLUMNS, text_width
from ablate.report.number_text import decimals
from ablate.report.tables import outcomes_of
from ablate.stats import t_half_width
from ablate.study.items import Ladder

_ROW = 0.23  # inches


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw each level's mean and, beside it, its difference to the level above.

    Option `against: first` takes differences to the first level. Raises ConfigError where there
    is no factor, or no run with the metric.
    """
    assert isinstance(context.item, Ladder)
    yield from differences(context, to_first=context.item.against == "first")


def differences(context: Context, to_first: bool) -> Iterator[Drawing]:
    """Draw levels one below the other, each with its difference to another."""
    context, quantity = with_quantity(context)
    for subject in subjects(context, "rows"):
        if subject.roles["rows"] is None or quantity.column not in subject.runs:
            kind = context.item.kind
            raise ConfigError(f"report: {kind} needs a factor and runs with its metric.")
        yield _draw(subject, quantity, to_first)


def _draw(subject: Subject, quantity: Quantity, to_first: bool) -> Drawing:
    levels, study = subject.levels("rows"), subject.study
    left = 0.15 + max(text_width(level.name) for level in levels)
    heading = f"difference to {'the first' if to_first else 'the one above'}"
    if subject.item.kind == "leave_one_out":
        heading = f"difference to {levels[0].name}"
    right = 0.25 + text_width(heading)
    margins = Margins(left=left, right=right, top=0.22, bottom=0.38)
    figure, axes = page(1, 1, TWO_COLUMNS * 0.75, _ROW * len(levels), margins)
    axis: Axes = axes[0, 0]
    found = [
        outcomes_of(subject.where(subject.runs, rows=level), quantity.column, study.replicates)
        for level in levels
    ]
    for row, outcomes in enumerate(found):
        values = quantity.scale * outcomes.values[outcomes.converged]
        axis.plot(values, [row] * len(values), ls="", marker=".", ms=2.5, color="#999999")
        if len(values):
            half = t_half_width(values) or 0.0
            axis.errorbar(
                [values.mean()], [row], xerr=half, marker="o", ms=3.6, color=NEUTRAL, capsize=1.5,
                lw=0.9,
            )  # fmt: skip
        notes = []
        if row:
            other = found[0 if to_first else row - 1]
            both = outcomes.converged & other.converged
            notes.append(_difference(quantity.scale * (outcomes.values - other.values)[both]))
        lost = int(outcomes.not_converged.sum())
        if lost:
            notes.append(f"{lost} n/c")
        axis.annotate(
            "  ".join(notes), (1.02, row), xycoords=("axes fraction", "data"), va="center",
            fontsize=SMALL,
        )  # fmt: skip
    axis.annotate(
        heading, (1.02, 1.0),
        xycoords="axes fraction", xytext=(0, 3), textcoords="offset points", fontsize=SMALL,
    )  # fmt: skip
    axis.set_ylim(len(levels) - 0.5, -0.5)
    axis.set_yticks(range(len(levels)), [level.name for level in levels])
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", lw=0.3, color="#cccccc")
    axis.set_axisbelow(True)
    axis.set_xlabel(quantity.label)
    spread = (
        "Dots: replicates that converged; circles: their mean with its 95 % t interval. At the "
        "right: mean difference of pairs that both converged, with the half-width of its "
        "95 % t interval."
    )
    what = quantity.label.split(" (")[0]
    caption = subject.caption(f"{what[0].upper()}{what[1:]} by {_label(subject)}", spread)
    return Drawing(file_name(subject), caption, figure)


def _label(subject: Subject) -> str:
    factor = subject.roles["rows"]
    assert factor is not None
    return factor.label


def _difference(values: np.ndarray) -> str:
    if not len(values):
        return "no pair"
    if not values.any():
        return "0"
    half = t_half_width(values)
    digits = 2 if half is None else decimals(half, 4)
    text = f"{values.mean():+.{digits}f}".replace("-", "−")
    return text if half is None else f"{text} ± {half:.{digits}f}"
