"""Learning curves: how fast, how stable."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablate.errors import ReportError
from ablate.metrics import SCORES, Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, few_log_ticks, label_outer, page
from ablate.report.figures.layers import pages_of
from ablate.report.figures.marks import Data, marked
from ablate.report.figures.sample import band, draw_band, thinned
from ablate.report.figures.select import Subject, converged, not_converged, subjects
from ablate.report.figures.style import Look
from ablate.report.number_text import number
from ablate.study.schema import Study

_MARGINS = Margins(right=0.1, top=0.2, across=0.55, down=0.32)


@dataclass(frozen=True, eq=False)
class CellCurves:
    """The curves of one cell's runs.

    converged  median and range over the replicates that converged, by step; the evaluation before
               training stands at step 1
    single     values by step of each run that did not converge
    """

    converged: pd.DataFrame
    single: tuple[pd.Series, ...]


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """Loss, and the score that is watched beside it, over steps.

    cells    by level of `rows`, quantity (`loss` or the score's name) and level of `lines`
    cut_off  whether losses, or scores of which less is better, beyond five times the highest
             converged one were cut to it
    below    whether the score was cut off below
    """

    cells: Mapping[tuple[str, str, str], CellCurves]
    cut_off: bool
    below: bool = False


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw training loss and what is watched on validation over steps, a row per other level."""
    for subject in subjects(context, "lines", "rows"):
        if len(subject.joined(context.frames.epochs)):
            shown, levels = learning_curves(subject), subject.levels("rows")
            if not any(len(one.converged) or one.single for one in shown.cells.values()):
                watched = subject.study.metric.watched
                raise ReportError(f"no run reports losses, or {watched} while it trains.")
            most = subject.style.fitting(len(levels), 1.35)
            for name, rows in pages_of(subject.name, levels, most):
                yield _draw(subject, shown, rows, name)


def panels(study: Study) -> Mapping[str, Quantity]:
    """Return what is shown, by name: the loss, and the score that is watched beside it."""
    watched = study.metric.watched
    return {
        "loss": replace(study.quantity("train/loss"), label="training loss"),
        watched.partition("/")[2]: study.quantity(watched),
    }


def learning_curves(subject: Subject) -> LearningCurves:
    """Return what is drawn of the subject's curves and evaluations."""
    losses = subject.joined(subject.frames.curves)
    epochs = subject.joined(subject.frames.epochs)
    ceiling = _ceiling(converged(losses)["loss"])
    watched = subject.study.metric.watched
    row = subject.study.quantity(watched)
    seen = pd.Series(epochs.get(watched, np.nan), epochs.index, dtype=float)
    kept = seen[converged(epochs).index] if len(epochs) else seen
    most = _ceiling(kept) if row.better == "lower" else math.inf
    scores = row.scale * seen.clip(lower=row.shown_from, upper=most)
    values = {
        "loss": losses.assign(value=losses["loss"].clip(upper=ceiling)),
        watched.partition("/")[2]: epochs.assign(value=scores),
    }
    cells = {
        (row, name, line): _cell(subject.where(values[name], lines=line, rows=row))
        for row in subject.levels("rows")
        for name in values
        for line in subject.levels("lines")
    }
    below = bool((seen < row.shown_from).any())
    cut_off = bool((losses["loss"] > ceiling).any() or (seen > most).any())
    return LearningCurves(cells, cut_off, below)


def _ceiling(values: pd.Series) -> float:
    """Return what is drawn at most: a run that exploded would press all others flat."""
    highest = values[np.isfinite(values)].max()
    return 5 * float(highest) if np.isfinite(highest) else math.inf


def _cell(rows: pd.DataFrame) -> CellCurves:
    rows = rows[np.isfinite(rows["value"]) & (rows["step"] >= 0)]
    rows = rows.assign(x=rows["step"].clip(lower=1).astype(float))
    groups = not_converged(rows).set_index("x").groupby("replicate")["value"]
    return CellCurves(
        thinned(band(converged(rows), "x", "value")),
        tuple(thinned(run).rename(r) for r, run in groups),
    )


def _draw(subject: Subject, shown: LearningCurves, levels: Sequence[str], name: str) -> Drawing:
    lines = subject.levels("lines")
    figure, axes = page(
        subject.style, [1.35] * len(levels), 2, subject.style.two_columns, _MARGINS,
        subject.legend("lines", dashed=True, marked=True),
        sharex=True, sharey="col",
    )  # fmt: skip
    width = _MARGINS.panel_width(subject.style.two_columns, 2)
    named = panels(subject.study)
    for axis, (level, panel) in zip(axes.flat, product(levels, named), strict=True):
        for place, line in enumerate(lines):
            told = subject.told(lines=line, rows=level)
            ink = subject.ink("lines", line)
            _curves(axis, shown.cells[level, panel, line], ink, place, told)
        axis.set_xscale("log")
        axis.set_title(subject.title("rows", level, named[panel].label, width), loc="left")
    score = subject.study.quantity(subject.study.metric.watched)
    falls_to_zero = score.better == "lower" and score.least == 0
    for axis in axes.flat if falls_to_zero else axes[:, 0]:
        axis.set_yscale("log")
        few_log_ticks(axis)
    label_outer(axes, "step", [_axis_title(name, row) for name, row in named.items()])
    spread = "Lines: median over the replicates that converged; bands: their range."
    if len(not_converged(subject.runs)):
        spread += " Thin lines, ending in a cross: single runs that did not converge."
    if shown.cut_off:
        what = f"Losses and {score.label}" if score.better == "lower" else "Losses"
        spread += f" {what} beyond five times the highest converged one stand at the upper edge."
    if shown.below:
        spread += (
            f" Values of {score.label} below {number(score.shown_from, 0)} stand at the lower edge."
        )
    spread += " The evaluation before the first step stands at step 1."
    return subject.drawing(figure, "Learning curves", spread, name)


def _axis_title(name: str, shown: Quantity) -> str:
    """Return the score with its unit, without the part of the data that the panel's title names."""
    label = SCORES[name].label if name in SCORES else name
    return f"{label} ({shown.unit})" if shown.unit else label


def _curves(axis: Axes, cell: CellCurves, look: Look, place: int, told: Data) -> None:
    if len(cell.converged):
        # Few markers, at other places on each: dashes alone do not tell many lines apart.
        every = (0.04 * place, 0.3)
        draw_band(
            axis, cell.converged, look.color, told, ls=look.dash, marker=look.marker, ms=2.8,
            markevery=every,
        )  # fmt: skip
    for run in cell.single:
        line = axis.plot(run, color=look.color, lw=0.35, alpha=0.7)
        line += axis.plot(run.iloc[-1:], color=look.color, marker="x", ms=3.5, mew=0.8)
        marked(line, {**told, "replicate": str(run.name), "value": "n/c"})
