"""Training loss against steps and against time: what a step costs changes who is first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    level_handle,
    page,
    panel_title,
)
from ablate.report.figures.select import Subject, column, subjects
from ablate.report.figures.style import TWO_COLUMNS
from ablate.study.schema import Level

_MARGINS = Margins(left=0.5, right=0.1, top=0.2, bottom=0.38, across=0.3)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the training loss of each of `lines` at its best level of `best`, a step and time panel.

    The best level has the best mean of the study's metric among those at which most runs
    converged. Raises ConfigError where the study has no second factor or the runs no times.
    """
    if context.frames.timings.empty:
        raise ConfigError(f"study {context.study.name}: its runs have no times for loss_over_time.")
    for subject in subjects(context, "lines", "best"):
        if subject.roles["best"] is None:
            raise ConfigError("loss_over_time needs a factor of which to take the best level.")
        yield _draw(subject)


def _draw(subject: Subject) -> Drawing:
    factor, chosen = subject.roles["lines"], _chosen(subject)
    assert factor is not None
    lines = [line for line in subject.levels("lines") if line.name in chosen]
    names = {line.name: f"{line.name} {chosen[line.name].name}" for line in lines}
    handles = [level_handle(subject.look(factor, v), names[v.name], "dash") for v in lines]
    best = subject.roles["best"]
    assert best is not None
    legend = Legend(f"{factor.label} at its best {best.label}", handles)
    figure, axes = page(1, 2, TWO_COLUMNS, 1.9, _MARGINS, legend, sharey=True)
    losses = subject.joined(subject.frames.curves)
    times = subject.joined(subject.frames.timings)
    unit = float("nan")
    for line in lines:
        level = chosen[line.name]
        cell = subject.where(losses, lines=line, best=level)
        cell = cell[cell["status"] == "done"]
        loss = cell.groupby("step")["loss"].median()
        clock = subject.where(times, lines=line, best=level).groupby("step")["seconds"].median()
        clock = clock - clock.iloc[0]  # the evaluation before the first step
        unit = float(clock.iloc[-1]) if np.isnan(unit) else unit
        steps = loss.index.to_numpy(float)
        look = subject.look(factor, line)
        for axis, x in zip(axes[0], (steps + 1, _seconds(steps, clock) / unit), strict=True):
            axis.plot(x, loss.to_numpy(), color=look.color, ls=look.dash)
    first, second = axes[0]
    first.set_xscale("log")
    first.set_yscale("log")
    _name(first, "step", "against steps")
    _name(second, f"time, in units of {lines[0].name}'s whole training", "against time")
    second.set_xlim(left=0)
    first.set_ylabel("training loss (nats)")
    how = (
        "Lines: median over the replicates that converged, each at the level with the best mean "
        "of the study's metric. Time is that of the program that trains a cell's replicates "
        "together, with its evaluations, as this sweep measured it on a machine it may have shared."
    )
    return Drawing(
        subject.name, subject.caption("Training loss against steps and time", how), figure
    )


def _chosen(subject: Subject) -> Mapping[str, Level]:
    """Return the best level of `best` by the name of each line that has one."""
    factor, lines = subject.roles["best"], subject.roles["lines"]
    assert factor is not None
    assert lines is not None
    metric = subject.study.metric
    levels = {level.name: level for level in factor.levels}
    chosen = {}
    for line, runs in subject.runs.groupby(column(lines), sort=False):
        scores = {
            str(level): _mean_if_most_converged(cell, metric.name)
            for level, cell in runs.groupby(column(factor), sort=False)
        }
        known = {level: score for level, score in scores.items() if np.isfinite(score)}
        if known:
            first = max if metric.better == "higher" else min
            chosen[str(line)] = levels[first(known, key=lambda level: known[level])]
    return chosen


def _mean_if_most_converged(runs: pd.DataFrame, metric: str) -> float:
    done = runs.loc[runs["status"] == "done", metric]
    return float(done.mean()) if 2 * len(done) > len(runs) else float("nan")


def _seconds(steps: npt.NDArray[np.float64], clock: pd.Series) -> npt.NDArray[np.float64]:
    """Return the time of steps from that of evaluations, between which they pass evenly."""
    passed: npt.NDArray[np.float64] = np.interp(
        steps, clock.index.to_numpy(float), clock.to_numpy(float)
    )
    return passed


def _name(axis: Axes, x: str, title: str) -> None:
    axis.set_xlabel(x)
    panel_title(axis, title)
