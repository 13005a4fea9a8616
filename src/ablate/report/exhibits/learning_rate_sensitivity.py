"""The metric over the values that a study tunes, or over its learning rates."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablate.config.task import BY_VALIDATION
from ablate.metrics import SCORES
from ablate.report.chosen import most_chosen
from ablate.report.circumstances import chance, guessing
from ablate.report.columns import tuned_column
from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Margins,
    few_log_ticks,
    grid_of_panels,
    page,
    panels_of_a_grid,
)
from ablate.report.figures.layers import pages_of
from ablate.report.figures.marks import marked
from ablate.report.figures.quantity import as_tables_call_it, sentence_case
from ablate.report.figures.sample import CellSample, cell_samples
from ablate.report.figures.select import Subject, column, not_converged, subjects
from ablate.report.figures.style import plain

#: Rates whose names stand below a panel of three in a row without touching.
_NAMED = 7
#: What keys that are tuned are called, where it is not the last word of the key.
_CALLED = {"optimizer.lr": "learning rate"}


@dataclass(frozen=True, eq=False)
class TunedLine:
    """The accuracy that validation saw in one cell, over the values tried.

    Of a procedure of the user's own that is tuned by a number of its own it is the study's metric.

    means          as shown, over the tuning replicates, by value; NaN where none is known
    chosen         the value that the cell's runs have
    guessing       what runs that did not converge count, as shown; NaN where that is not known
                   and they are left out
    not_converged  tuning runs that did not, of all `runs`
    """

    means: pd.Series
    chosen: float
    guessing: float
    not_converged: int
    runs: int


@dataclass(frozen=True)
class OverRates:
    """The study's metric over the levels of a factor that sets the learning rate.

    lines     by level of `lines`, a cell per rate
    guessing  what guessing scores, as shown; None where that is not known
    """

    rates: tuple[float, ...]
    lines: Mapping[str, tuple[CellSample, ...]]
    guessing: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the metric over learning rates: those tuned, or those of a factor of the study."""
    tune = context.study.tune
    if tune is not None:
        if len(context.frames.tuning):
            for subject in subjects(context, "lines", "panels"):
                shown = tuned(subject, tune.key)
                # Some studies tune in some cells alone.
                drawn = {panel for panel, _ in shown}
                panels = [panel for panel in subject.levels("panels") if panel in drawn]
                most = panels_of_a_grid(subject.style, len(panels))
                for name, levels in pages_of(subject.name, panels, most):
                    own = {place: line for place, line in shown.items() if place[0] in levels}
                    yield _draw_tuned(subject, own, levels, name)
        return
    rates = [factor for factor in context.study.factors if factor.sets("optimizer.lr")]
    for subject in subjects(context, "x", "lines", named={"x": rates[0].name}):
        yield _draw_over_rates(subject, over_rates(subject))


def tuned(subject: Subject, key: str) -> Mapping[tuple[str, str], TunedLine]:
    """Return what tuning saw, by level of `panels` and of `lines`, of cells that were tuned."""
    levels = [column(factor) for factor in subject.study.factors]
    cells = subject.runs[["cell", *levels]].drop_duplicates("cell")
    rows = subject.frames.tuning.merge(cells, on="cell")
    found = {}
    for panel, line in product(subject.levels("panels"), subject.levels("lines")):
        cell = subject.where(rows, lines=line, panels=panel)
        if len(cell):
            found[panel, line] = _tuned_line(subject, cell, key)
    return found


def _seen(subject: Subject) -> str:
    """Return what is shown of tuning runs."""
    tune, metric = subject.study.tune, subject.study.metric
    return metric.watched if tune is None or tune.by in BY_VALIDATION else metric.name


def _tuned_line(subject: Subject, cell: pd.DataFrame, key: str) -> TunedLine:
    seen = _seen(subject)
    scale = subject.study.quantity(seen).scale
    known = (cell["status"] == "done") & np.isfinite(cell[seen])
    guessed = guessing(seen, subject.configs.get(str(cell["cell"].iloc[0])))
    unlearnt = math.nan if guessed is None else scale * guessed
    scores = cell.assign(score=np.where(known, scale * cell[seen], unlearnt))
    means = scores.groupby("value")["score"].mean()
    runs = subject.runs[subject.runs["cell"] == cell["cell"].iloc[0]]
    chosen = most_chosen(list(runs[tuned_column(key)].dropna()))
    count = len(not_converged(cell))
    return TunedLine(means, chosen, unlearnt, count, len(cell))


def over_rates(subject: Subject) -> OverRates:
    """Return the study's metric, as it is shown, over the rates of the factor of `x`."""
    study = subject.study
    scale = as_tables_call_it(study.metric).scale
    lines = cell_samples(subject, "lines", "x", study.metric.name, scale)
    guessed = chance(study, next(iter(subject.configs.values()), None))
    rates = tuple(float(level.overrides["optimizer.lr"]) for level in subject.with_runs("x"))
    return OverRates(rates, lines, None if guessed is None else scale * guessed)


def _draw_tuned(
    subject: Subject, shown: Mapping[tuple[str, str], TunedLine], panels: Sequence[str],
    name: str,
) -> Drawing:  # fmt: skip
    seen, tune = subject.study.quantity(_seen(subject)), subject.study.tune
    assert tune is not None
    y = SCORES["accuracy"].title if seen.name == "accuracy" else seen.title
    margins = Margins(top=0.2, across=0.15, down=0.34)
    called = _CALLED.get(tune.key, tune.key.rpartition(".")[2].replace("_", " "))
    legend = subject.legend("lines")
    figure, axes = grid_of_panels(subject.style, panels, called, y, margins, legend)
    for (panel, level), line in shown.items():
        axis, look = axes[panels.index(panel)], subject.ink("lines", level)
        drawn = axis.plot(line.means, color=look.color, marker=look.marker, lw=0.9)
        ringed = line.means[line.means.index == line.chosen]
        drawn += axis.plot(ringed, marker="o", ms=7, mfc="none", mec=look.color, mew=0.9)
        marked(drawn, subject.told(lines=level, panels=panel))
    values = sorted({value for line in shown.values() for value in line.means.index})
    if values[0] > 0:
        axes[0].set_xscale("log")  # of all: they share it
    else:
        axes[0].set_xscale("symlog", linthresh=min(v for v in values if v > 0), linscale=0.5)
    if seen.chance is None:  # of a count ratios are what is compared
        axes[0].set_yscale("log")
        few_log_ticks(axes[0])
    _rate_ticks(axes[0], values)
    often = " in most replicates" if tune.nested else ""
    by = f"tuning by {tune.by}" if seen.name != "accuracy" else "validation"
    spread = f"Mean over the tuning replicates; ringed: the value that {by} chose{often}."
    count = sum(line.not_converged for line in shown.values())
    if count:
        known = all(np.isfinite(line.guessing) for line in shown.values())
        spread += (
            f" {count} of {sum(line.runs for line in shown.values())} tuning runs did not "
            f"converge and {'score as guessing' if known else 'are left out'}."
        )
    what = f"{sentence_case(seen.label)} against the {called} while tuning"
    return subject.drawing(figure, what, spread, name)


def _draw_over_rates(subject: Subject, shown: OverRates) -> Drawing:
    metric, label = as_tables_call_it(subject.study.metric), subject.factor("x").label
    legend = subject.legend("lines")
    figure, axes = page(
        subject.style, [2.2], 1, subject.style.share(0.7), Margins(left=0.55), legend
    )
    axis: Axes = axes[0, 0]
    axis.set_xscale("log")
    for level, cells in shown.lines.items():
        look = subject.ink("lines", level)
        means = [cell.mean if cell.most_converged else math.nan for cell in cells]
        drawn = axis.plot(shown.rates, means, color=look.color, marker=look.marker, lw=0.9)
        marked(drawn, subject.told(lines=level))
        if shown.guessing is not None:
            without = [
                rate for rate, cell in zip(shown.rates, cells, strict=True)
                if cell.runs and not cell.most_converged
            ]  # fmt: skip
            crosses = [shown.guessing] * len(without)
            lost = axis.plot(without, crosses, color=look.color, ls="", marker="x", ms=4)
            marked(lost, subject.told(lines=level))
    _rate_ticks(axis, shown.rates)
    axis.set(xlabel=label, ylabel=metric.title)
    mark = "no marker" if shown.guessing is None else "a cross at the height of guessing"
    spread = (
        f"Mean of the replicates that converged; {mark}: half or more of a cell did not converge."
    )
    what = f"{sentence_case(metric.label)} against {label}"
    return subject.drawing(figure, what, spread)


def _rate_ticks(axis: Axes, rates: Sequence[float]) -> None:
    # Of many rates some are named: of half-decades whole ones.
    every = math.ceil(len(rates) / _NAMED)
    axis.set_xticks(rates, ["" if k % every else plain(rate) for k, rate in enumerate(rates)])
    axis.minorticks_off()
