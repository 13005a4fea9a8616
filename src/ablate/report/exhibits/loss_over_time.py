"""Training loss against steps and against time: what a step costs changes who is first."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ablate.errors import ReportError
from ablate.metrics import SCORES
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, few_log_ticks, page
from ablate.report.figures.sample import cell_sample
from ablate.report.figures.select import Subject, converged, subjects

_MARGINS = Margins(right=0.1, top=0.2, across=0.3)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the training loss of each of `lines` at its best level of `best`, a step and time panel.

    The best level has the best mean of the study's metric among those at which most runs
    converged. Raises ReportError where the runs have no times.
    """
    if context.frames.timings.empty:
        raise ReportError("no run says when it was evaluated.")
    for subject in subjects(context, "lines", "best"):
        shown = timed_losses(subject)
        if shown:
            yield _draw(subject, shown)


def timed_losses(subject: Subject) -> dict[tuple[str, str], pd.DataFrame]:
    """Return what is drawn by line and its best level: step (from 1), time and loss in nats.

    Losses are medians over the replicates that converged. The unit of time is the whole training
    of the first line.
    """
    losses = converged(subject.joined(subject.frames.curves))
    times = subject.joined(subject.frames.timings)
    shown, unit = {}, None
    for line in subject.levels("lines"):
        best = _best(subject, line)
        if best is None:
            continue
        loss = subject.where(losses, lines=line, best=best).groupby("step")["loss"].median()
        clock = subject.where(times, lines=line, best=best).groupby("step")["seconds"].median()
        clock = clock - clock.iloc[0]  # the evaluation before the first step
        unit = unit or float(clock.iloc[-1]) or 1.0  # where all is within a millisecond
        steps = loss.index.to_numpy(float)
        # Between evaluations time passes evenly.
        passed = np.interp(steps, clock.index.to_numpy(float), clock.to_numpy(float)) / unit
        columns = {"step": steps + 1, "time": passed, "loss": loss.to_numpy()}
        shown[line, best] = pd.DataFrame(columns)
    return shown


def _best(subject: Subject, line: str) -> str | None:
    """Return the level of `best` with the best mean among those at which most runs converged."""
    metric, means = subject.study.metric, {}
    for level in subject.levels("best"):
        runs = subject.where(subject.runs, lines=line, best=level)
        cell = cell_sample(runs, metric.name, 1.0)
        if cell.most_converged and cell.values:
            means[level] = cell.mean
    choose = max if metric.better == "higher" else min
    return choose(means, key=means.__getitem__, default=None)


def _draw(subject: Subject, shown: Mapping[tuple[str, str], pd.DataFrame]) -> Drawing:
    names = {line: f"{line} {best}" for line, best in shown}
    legend = subject.legend("lines", dashed=True, names=names)
    assert legend is not None
    legend = replace(legend, title=f"{legend.title} at its best {subject.factor('best').label}")
    figure, axes = page(
        subject.style, [1.9], 2, subject.style.two_columns, _MARGINS, legend, sharey=True
    )
    against_steps, against_time = axes[0]
    for (line, _), timed in shown.items():
        look = subject.ink("lines", line)
        against_steps.plot(timed["step"], timed["loss"], color=look.color, ls=look.dash)
        against_time.plot(timed["time"], timed["loss"], color=look.color, ls=look.dash)
    against_steps.set(xscale="log", yscale="log", xlabel="step")
    few_log_ticks(against_steps)
    against_steps.set_ylabel(f"training {SCORES['loss'].title}")
    against_steps.set_title("against steps", loc="left")
    against_time.set_xlabel(f"time, in units of {next(iter(names))}'s whole training")
    against_time.set_xlim(left=0)
    against_time.set_title("against time", loc="left")
    how = (
        "Lines: median over the replicates that converged, each at the level with the best mean "
        "of the study's metric. Time is that of the program that trains a cell's replicates "
        "together, with its evaluations, as this sweep measured it on a machine it may have shared."
    )
    what = "Training loss against steps and time"
    return subject.drawing(figure, what, how)
