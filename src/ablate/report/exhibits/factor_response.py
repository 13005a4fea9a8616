"""What a factor does to the metric: points, means and intervals over its levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    level_handle,
    page,
)
from ablate.report.figures.quantity import Quantity, file_name, with_quantity
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, ONE_COLUMN, SMALL
from ablate.stats import t_half_width
from ablate.study.schema import Factor, Level

_STRIP = 0.16  # inches of the n/c strip per line


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the metric against the levels of a factor, one line per level of another.

    Options `metric: weights/norm` and `probe: zero` show another quantity.
    """
    context, quantity = with_quantity(context)
    for subject in subjects(context, "x", "lines", numeric_first=True):
        yield _response(subject, quantity)


def _response(subject: Subject, quantity: Quantity) -> Drawing:
    factor = subject.roles["x"]
    if factor is None or quantity.column not in subject.runs:
        raise ConfigError("report: factor_response needs a factor and runs with its metric.")
    lines, line_factor = subject.levels("lines"), subject.roles["lines"]
    handles = [
        level_handle(subject.look(line_factor, line), line.name, "marker")
        for line in lines
        if line_factor
    ]
    legend = Legend(line_factor.label if line_factor else "", handles) if handles else None
    lost = bool((subject.runs["status"] == "diverged").any())
    margins = Margins(left=0.5, top=0.08, bottom=0.38, down=0.06)
    strip = [_STRIP * len(lines)] if lost else []
    figure, axes = page(
        1 + lost, 1, ONE_COLUMN, 1.9, margins, legend, heights=[1.9, *strip], sharex=True
    )
    axis: Axes = axes[0, 0]
    levels = subject.levels("x")
    positions = _positions(axis, factor, levels)
    scale = quantity.scale
    apart = 1 if _has_zero_apart(factor, levels) else 0
    for index, line in enumerate(lines):
        color = subject.look(line_factor, line).color if line_factor else NEUTRAL
        marker = subject.look(line_factor, line).marker if line_factor else "o"
        shift = _shift(factor, index, len(lines), positions)
        means: list[tuple[float, float, float]] = []
        for level, x in zip(levels, positions, strict=True):
            runs = subject.where(subject.runs, x=level, lines=line)
            values = scale * runs.loc[runs["status"] == "done", quantity.column].to_numpy(float)
            values = values[np.isfinite(values)]
            at = shift(x)
            axis.plot([at] * len(values), values, ls="", marker=".", ms=2.5, color=color, alpha=0.5)
            if len(values):
                half = t_half_width(values) if len(values) > 1 else None
                means.append((at, float(values.mean()), half or 0.0))
            if lost and len(runs):
                _share(axes[1, 0], x, index, runs)
        if means:
            cut = apart if means[0][0] == shift(positions[0]) else 0
            for part in filter(None, (means[:cut], means[cut:])):
                x_at, mean, half_width = (np.array(column) for column in zip(*part, strict=True))
                axis.errorbar(
                    x_at, mean, half_width, color=color, marker=marker, lw=0.9, elinewidth=0.9,
                    capsize=1.5, ms=3.2,
                )  # fmt: skip
    axis.set_ylabel(quantity.label)
    _leave_room(axis, factor, positions)
    bottom: Axes = axes[-1, 0]
    if lost:
        _finish_strip(bottom, lines)
    if factor.axis == "category" or len(levels) <= 10:
        for panel in axes[:, 0]:
            panel.set_xticks(positions, [level.name for level in levels])
            panel.xaxis.set_minor_locator(NullLocator())
    bottom.set_xlabel(factor.label)
    spread = "Dots: replicates that converged; markers: their mean with its 95 % t interval." + (
        " Below: share of runs that did not converge (n/c)." if lost else ""
    )
    what = quantity.label.split(" (")[0]
    caption = subject.caption(f"{what[0].upper()}{what[1:]} against {factor.label}", spread)
    return Drawing(file_name(subject), caption, figure)


def _positions(axis: Axes, factor: Factor, levels: Sequence[Level]) -> list[float]:
    numbers = [level_number(level) for level in levels]
    if factor.axis == "category" or any(number is None for number in numbers):
        return [float(index) for index in range(len(levels))]
    axis.set_xscale(factor.axis)
    positions = [float(number) for number in numbers if number is not None]
    if _has_zero_apart(factor, levels):
        # Nothing lies at 0 on a log axis: one step left of the rest, and no line leads there.
        step = positions[2] / positions[1] if len(positions) > 2 else 10.0
        positions[0] = positions[1] / step
    return positions


def level_number(level: Level) -> float | None:
    """Return where a level stands: the number it sets, else the number that it is called."""
    if level.number is not None:
        return level.number
    try:
        return float(level.name)
    except ValueError:
        return None


def _has_zero_apart(factor: Factor, levels: Sequence[Level]) -> bool:
    return factor.axis == "log" and len(levels) > 1 and level_number(levels[0]) == 0


def _leave_room(axis: Axes, factor: Factor, positions: Sequence[float]) -> None:
    """Keep the counts of the n/c strip, centred on the outer levels, inside the panel."""
    if len(positions) < 2:
        return
    low, high = min(positions), max(positions)
    if factor.axis == "log" and low > 0:
        room = (high / low) ** 0.07
        axis.set_xlim(low / room, high * room)
    else:
        room = 0.07 * (high - low)
        axis.set_xlim(low - room, high + room)


def _shift(
    factor: Factor, index: int, count: int, positions: Sequence[float]
) -> Callable[[float], float]:
    """Return where a line's points stand: lines side by side, so that none hides another."""
    offset = 0.12 * (index - (count - 1) / 2) / max(count - 1, 1)
    if factor.axis == "log":
        steps = np.diff(np.log(sorted(positions)))
        width = float(steps.min()) if len(steps) else 1.0
        return lambda x: x * float(np.exp(offset * width))
    steps = np.diff(sorted(positions))
    width = float(steps.min()) if len(steps) else 1.0
    return lambda x: x + offset * width


def _share(axis: Axes, x: float, row: int, runs: pd.DataFrame) -> None:
    lost, total = int((runs["status"] == "diverged").sum()), len(runs)
    axis.text(
        x, -row, f"{lost}/{total}" if lost else "0", ha="center", va="center", fontsize=SMALL - 1.5,
        color="black" if lost else "#888888", fontweight="bold" if lost == total else "normal",
    )  # fmt: skip


def _finish_strip(axis: Axes, lines: Sequence[Level]) -> None:
    axis.set_ylim(-len(lines) + 0.5, 0.5)
    names = [f"n/c {line.name}".strip() for line in lines]
    axis.set_yticks([-i for i in range(len(lines))], names, fontsize=SMALL - 1)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
