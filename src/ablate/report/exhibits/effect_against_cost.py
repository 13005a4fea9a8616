"""What each cell gains and what it costs: which settings are worth their price."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.errors import ReportError
from ablate.metrics import Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.quantity import as_tables_call_it
from ablate.report.figures.sample import Sample, cell_sample, draw_intervals
from ablate.report.figures.select import Subject, converged, subjects
from ablate.report.figures.style import NEUTRAL, Look, text_width
from ablate.report.sizes import Style
from ablate.study.items import EffectAgainstCost

#: What a column of the runs frame counts.
_COSTS = {"multiply_adds": "multiply-adds of a prediction", "parameters": "parameters"}


@dataclass(frozen=True)
class Point:
    """One cell.

    line, level  of the roles `lines` and `x`
    effect       differences to the base as shown, of replicates that converged in both
    on_front     whether no cell that costs as much or less has a better mean
    """

    line: str
    level: str
    cost: float
    effect: Sample
    on_front: bool = False


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw each cell's effect against the base over its cost, and the front of the best buys.

    The base has the first level of each factor. Raises ReportError where runs have no costs, all
    the same, or no metric.
    """
    item, quantity = context.item, as_tables_call_it(context.study.metric)
    assert isinstance(item, EffectAgainstCost)
    if quantity.name not in context.frames.runs:
        raise ReportError(f"no run reports the metric {quantity.name}.")
    for subject in subjects(context, "x", "lines", numeric_first=True):
        shown = points(subject, quantity, item.cost)
        if not shown:
            raise ReportError("most runs did not converge.")
        if len({point.cost for point in shown}) < 2:
            raise ReportError(f"its runs do not differ in {_COSTS[item.cost]}.")
        yield _drawing(subject, shown, quantity, _COSTS[item.cost])


def points(subject: Subject, quantity: Quantity, cost: str) -> tuple[Point, ...]:
    """Return the cells that have a cost and converged for the most part, in the study's order."""
    base, found = None, []
    for line in subject.levels("lines"):
        for level in subject.levels("x"):
            runs = subject.where(subject.runs, lines=line, x=level)
            price = float(runs[cost].astype(float).median()) if len(runs) else math.nan
            values = converged(runs).set_index("replicate")[quantity.name]
            base = values if base is None else base
            cell = cell_sample(runs, quantity.name, quantity.scale)
            gained: pd.Series = quantity.scale * (values - base).dropna()
            if math.isfinite(price) and cell.most_converged and len(gained):
                found.append(Point(line, level, price, Sample(tuple(gained))))
    lower = subject.study.metric.better == "lower"
    worth = np.array([(-1 if lower else 1) * point.effect.mean for point in found])
    costs = np.array([point.cost for point in found])
    return tuple(
        replace(point, on_front=bool(on))
        for point, on in zip(found, on_front(costs, worth), strict=True)
    )


def on_front(costs: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return which of N things nothing beats (N,): that costs no more and is worth more.

    Of two that are worth the same the cheaper one beats the other.
    """
    no_dearer = costs[None, :] <= costs[:, None]
    cheaper, better = costs[None, :] < costs[:, None], worth[None, :] > worth[:, None]
    as_good = worth[None, :] >= worth[:, None]
    return np.asarray(~((no_dearer & better) | (cheaper & as_good)).any(axis=1))


def _drawing(subject: Subject, shown: Sequence[Point], quantity: Quantity, cost: str) -> Drawing:
    front = Line2D([], [], color=NEUTRAL, lw=0.8, ls=(0, (3, 1.5)), label="best for its cost")
    style, legend = subject.style, subject.legend("lines", more=[front])
    figure, axes = page(style, [2.3], 1, style.share(0.7), Margins(left=0.55, top=0.14), legend)
    axis: Axes = axes[0, 0]
    axis.axhline(0, color="#d5d5d5", lw=0.6, zorder=0)
    axis.set_xscale("log")
    for line in subject.levels("lines"):
        own = sorted((point for point in shown if point.line == line), key=lambda p: p.cost)
        _line(axis, own, subject.ink("lines", line))
    best = sorted((point for point in shown if point.on_front), key=lambda p: p.cost)
    axis.step(
        [p.cost for p in best], [p.effect.mean for p in best], where="post", color=NEUTRAL, lw=0.8,
        ls=(0, (3, 1.5)), zorder=1,
    )  # fmt: skip
    axis.margins(x=0.08, y=0.12)
    _name(axis, best, subject.study.metric.better == "lower", style)
    unit = "points" if quantity.unit == "%" else quantity.unit
    axis.set_xlabel(cost)
    axis.set_ylabel(f"change of {quantity.label}{f' ({unit})' if unit else ''}")
    return subject.drawing(figure, *_words(subject, quantity, cost))


def _line(axis: Axes, own: Sequence[Point], look: Look) -> None:
    costs = [point.cost for point in own]
    joined = len(set(costs)) == len(costs)  # else there is no order along the axis
    draw_intervals(axis, costs, [point.effect for point in own], look)
    if not joined:
        axis.lines[-1].set_linestyle("")
    for point in own:
        filled = look.color if point.on_front else "white"
        axis.plot(
            point.cost, point.effect.mean, look.marker, mfc=filled, mec=look.color, mew=0.9,
            ms=4.4, zorder=4,
        )  # fmt: skip


def _name(axis: Axes, best: Sequence[Point], lower: bool, style: Style) -> None:
    """Write the level of `x` beside the best, on the side where the front has nothing.

    One that has no room left of the next is left out.
    """
    inches = axis.get_position().width * style.share(0.7)
    low, high = np.log(axis.get_xlim())
    end = math.inf
    for point in reversed(best):
        place = (math.log(point.cost) - low) / (high - low) * inches
        if place > end:
            continue
        end = place - text_width(point.level, style.small) - 0.06
        axis.annotate(
            point.level, (point.cost, point.effect.mean), xytext=(-3.5, -3.5 if lower else 3.5),
            textcoords="offset points", ha="right", va="top" if lower else "bottom",
            fontsize=style.small,
        )  # fmt: skip


def _words(subject: Subject, quantity: Quantity, cost: str) -> tuple[str, str]:
    base = [f"{f.label} = {f.levels[0].name}" for f in subject.roles.values() if f is not None]
    return (
        f"Change of {quantity.label} from the base ({', '.join(base)}) against {cost}",
        "Markers: mean difference of replicates that converged in both, with its 95 % t interval; "
        f"filled, with {subject.factor('x').label} beside them: no cell that costs as much or less "
        "has a better mean.",
    )
