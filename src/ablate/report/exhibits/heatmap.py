"""Two factors and the metric's mean, to see where they interact."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import seaborn
from matplotlib.patches import Rectangle

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import ONE_COLUMN, SMALL, text_width


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the mean of each cell; cells with half or more n/c are hatched and say so."""
    for subject in subjects(context, "rows", "columns"):
        yield _draw(subject)


def _draw(subject: Subject) -> Drawing:
    metric = subject.study.metric
    rows, columns = subject.roles["rows"], subject.roles["columns"]
    if rows is None or columns is None or metric.name not in subject.runs:
        raise ConfigError("report: heatmap needs two factors and runs with the study's metric.")
    down, across = subject.levels("rows"), subject.levels("columns")
    shape = (len(down), len(across))
    means, texts = np.full(shape, np.nan), np.full(shape, "–", object)
    scale, decimals = metric.scale, 1 if metric.is_percent else 3
    hatched = []
    for i, row in enumerate(down):
        for j, column in enumerate(across):
            runs = subject.where(subject.runs, rows=row, columns=column)
            done = scale * runs.loc[runs["status"] == "done", metric.name].to_numpy(dtype=float)
            lost = len(runs) - len(done)
            if len(done):
                means[i, j] = done.mean()
                share = f"\n{lost}/{len(runs)} n/c" if lost else ""
                texts[i, j] = f"{done.mean():.{decimals}f}{share}"
            elif len(runs):
                texts[i, j] = "n/c"
            if len(runs) and 2 * lost >= len(runs):
                hatched.append((i, j))
    left = 0.45 + max(text_width(level.name) for level in down)
    margins = Margins(left=left, right=0.1, top=0.08, bottom=0.42)
    figure, axes = page(1, 1, ONE_COLUMN, 0.34 * len(down), margins)
    axis = axes[0, 0]
    seaborn.heatmap(
        means, ax=axis, annot=texts, fmt="", cmap="crest", cbar=False, linewidths=0.6,
        annot_kws={"fontsize": SMALL}, mask=np.isnan(means),
        xticklabels=[level.name for level in across], yticklabels=[level.name for level in down],
    )  # fmt: skip
    for i, j in zip(*np.where(np.isnan(means)), strict=True):
        axis.text(j + 0.5, i + 0.5, texts[i, j], ha="center", va="center", fontsize=SMALL)
    for i, j in hatched:
        axis.add_patch(Rectangle((j, i), 1, 1, fill=False, hatch="////", ec="#999999", lw=0))
    axis.tick_params(length=0)
    axis.set_yticklabels(axis.get_yticklabels(), rotation=0)
    axis.set_xlabel(columns.label)
    axis.set_ylabel(rows.label)
    spread = "Mean over the replicates that converged; hatched: half or more did not."
    return Drawing(subject.name, subject.caption(metric.label, spread), figure)
