"""The metric over the learning rates that a study varies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ablate.errors import ConfigError
from ablate.report.circumstances import chance
from ablate.report.figures.canvas import Drawing, Legend, Margins, level_handle, page
from ablate.report.figures.select import Request, Subject, column, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS, plain
from ablate.study.schema import Factor


def sensitivity_to_factor(request: Request) -> Iterator[Drawing]:
    """Draw the study's metric over a factor that sets `optimizer.lr`, a line per other level."""
    rates = [
        factor
        for factor in request.study.factors
        if all("optimizer.lr" in level.overrides for level in factor.levels)
    ]
    if not rates:
        raise ConfigError(
            "report: learning_rate_sensitivity needs a study that tunes optimizer.lr, or a "
            "factor whose levels set it."
        )
    options = {**request.item.options, "x": rates[0].name}
    item = request.item.model_copy(update={"options": options})
    asked = Request(item, request.study, request.frames, request.configs)
    for subject in subjects(asked, "x", "lines"):
        yield _draw(subject, rates[0])


def _draw(subject: Subject, rates: Factor) -> Drawing:
    metric, lines, factor = subject.study.metric, subject.levels("lines"), subject.roles["lines"]
    scale = metric.scale
    handles = [level_handle(subject.look(factor, v), v.name, "marker") for v in lines if factor]
    legend = Legend(factor.label if factor else "", handles) if handles else None
    figure, axes = page(1, 1, TWO_COLUMNS * 0.7, 2.2, Margins(left=0.55), legend)
    axis: Axes = axes[0, 0]
    axis.set_xscale("log")
    rate_of = {level.name: float(level.overrides["optimizer.lr"]) for level in rates.levels}
    guessing = _guessing(subject)
    for line in lines:
        look = subject.look(factor, line) if factor else None
        color, marker = (look.color, look.marker) if look else (NEUTRAL, "o")
        runs = subject.where(subject.runs, lines=line)
        x, y, failed = [], [], []
        for name, rate in rate_of.items():
            cell = runs[runs[column(rates)] == name]
            done = scale * cell.loc[cell["status"] == "done", metric.name].to_numpy(float)
            x.append(rate)
            y.append(done.mean() if 2 * len(done) > len(cell) else np.nan)
            if len(cell) and not np.isfinite(y[-1]):
                failed.append(rate)
        axis.plot(x, y, color=color, marker=marker, lw=0.9)
        if guessing is not None:
            axis.plot(failed, [guessing] * len(failed), color=color, ls="", marker="x", ms=4)
    axis.set_xticks(list(rate_of.values()), [plain(rate) for rate in rate_of.values()])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel(rates.label)
    axis.set_ylabel(metric.label)
    spread = (
        "Mean of the replicates that converged; a cross at the height of guessing: half or more "
        "of a cell did not converge."
    )
    what = metric.label.split(" (")[0].capitalize()
    return Drawing(subject.name, subject.caption(f"{what} against {rates.label}", spread), figure)


def _guessing(subject: Subject) -> float | None:
    """Return what guessing scores as it is shown, None where that is not known."""
    guessed = chance(subject.study, next(iter(subject.configs.values()), None))
    return guessed if guessed is None else subject.study.metric.scale * guessed
