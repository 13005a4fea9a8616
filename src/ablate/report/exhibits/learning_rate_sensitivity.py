"""The metric over the learning rates that a study varies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ablate.config.data import UserData
from ablate.data import classes_of
from ablate.errors import ConfigError
from ablate.report.circumstances import chance
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, level_handle, page, panel_title
from ablate.report.figures.select import Subject, column, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS, plain
from ablate.study.schema import Factor


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the metric over learning rates: those tuned, or those of a factor of the study."""
    tune = context.study.tune
    if tune is None:
        yield from _sensitivity_to_factor(context)
    elif len(context.frames.tuning):
        for subject in subjects(context, "lines", "panels"):
            yield _draw_tuning(subject, tune.key)


def _draw_tuning(subject: Subject, key: str) -> Drawing:
    levels = ["cell", *[f"factor:{factor.name}" for factor in subject.study.factors]]
    cells = subject.runs[[*levels, f"tuned:{key}"]].drop_duplicates("cell")
    tuning = subject.frames.tuning.merge(cells, on="cell")
    panels, lines = subject.levels("panels"), subject.levels("lines")
    factor = subject.roles["lines"]
    handles = [level_handle(subject.look(factor, v), v.name, "marker") for v in lines if factor]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, axes = page(
        rows, columns, TWO_COLUMNS, 1.3, Margins(top=0.2, across=0.15, down=0.34),
        Legend(factor.label if factor else "", handles), sharex=True, sharey=True,
    )  # fmt: skip
    flat: list[Axes] = list(axes.flat)
    for axis in flat[len(panels) :]:
        axis.set_visible(False)
    for index, (axis, panel) in enumerate(zip(flat, panels, strict=False)):
        axis.set_xscale("log")
        for line in lines:
            cell = subject.where(tuning, lines=line, panels=panel)
            color = subject.look(factor, line).color if factor else NEUTRAL
            marker = subject.look(factor, line).marker if factor else "o"
            _tuned_line(axis, cell, key, (color, marker), _chance(subject, cell))
        panel_title(axis, panel.name)
        if index + columns >= len(panels):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel(key)
    ticks = sorted(set(tuning["value"]))
    flat[0].set_xticks(ticks, [plain(tick) for tick in ticks])
    flat[0].xaxis.set_minor_locator(NullLocator())
    for row in range(rows):
        axes[row, 0].set_ylabel("accuracy (%)")
    lost = int((tuning["status"] == "diverged").sum())
    spread = "Mean over the tuning replicates; ringed: the value that validation chose."
    if lost:
        spread += f" {lost} of {len(tuning)} tuning runs did not converge and score as guessing."
    caption = subject.caption(f"Validation accuracy against {key} while tuning", spread)
    return Drawing(subject.name, caption, figure)


def _chance(subject: Subject, cell: pd.DataFrame) -> float:
    """Return the accuracy of guessing in percent, NaN where the cell's config is not known."""
    config = subject.configs.get(cell["cell"].iloc[0]) if len(cell) else None
    own = config is None or isinstance(config.data, UserData)
    return float("nan") if own or config is None else 100 / classes_of(config.data)


def _tuned_line(
    axis: Axes, cell: pd.DataFrame, key: str, look: tuple[str, str], chance: float
) -> None:
    color, marker = look
    converged = (cell["status"] == "done") & np.isfinite(cell["validation/accuracy"])
    shown = cell.assign(y=np.where(converged, 100 * cell["validation/accuracy"], chance))
    means = shown.groupby("value")["y"].mean()
    if len(means) == 0:
        return
    axis.plot(means.index, means.to_numpy(), color=color, marker=marker, lw=0.9)
    chosen = float(cell[f"tuned:{key}"].iloc[0])
    if chosen in means.index:
        axis.plot([chosen], [means[chosen]], marker="o", ms=7, mfc="none", mec=color, mew=0.9)


def _sensitivity_to_factor(context: Context) -> Iterator[Drawing]:
    """Draw the study's metric over a factor that sets `optimizer.lr`, a line per other level."""
    rates = [
        factor
        for factor in context.study.factors
        if all("optimizer.lr" in level.overrides for level in factor.levels)
    ]
    if not rates:
        raise ConfigError(
            "report: learning_rate_sensitivity needs a study that tunes optimizer.lr, or a "
            "factor whose levels set it."
        )
    for subject in subjects(context, "x", "lines", named={"x": rates[0].name}):
        yield _draw_factor(subject, rates[0])


def _draw_factor(subject: Subject, rates: Factor) -> Drawing:
    metric, lines, factor = subject.study.metric, subject.levels("lines"), subject.roles["lines"]
    scale = 100 if metric.is_percent else 1
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
    return guessed if guessed is None else (100 if subject.study.metric.is_percent else 1) * guessed
