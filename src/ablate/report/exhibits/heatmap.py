"""Two factors and the metric's mean, to see where they interact."""

from collections.abc import Iterator, Mapping

import numpy as np
import seaborn
from matplotlib.patches import Rectangle

from ablate.errors import ReportError
from ablate.metrics import Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.quantity import as_tables_call_it, sentence_case
from ablate.report.figures.sample import CellSample, cell_samples
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import text_width


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the mean of each cell; cells with half or more n/c are hatched and say so.

    Raises ReportError where no run reports the metric.
    """
    quantity = as_tables_call_it(context.study.metric)
    for subject in subjects(context, "rows", "columns"):
        if quantity.name not in subject.runs:
            raise ReportError(f"no run reports the metric {quantity.name}.")
        cells = cell_samples(subject, "rows", "columns", quantity.name, quantity.scale)
        yield _draw(subject, cells, quantity)


def _draw(
    subject: Subject, cells: Mapping[str, tuple[CellSample, ...]], quantity: Quantity
) -> Drawing:
    style = subject.style
    margins = Margins(
        left=0.45 + max(text_width(name, style.small) for name in cells), right=0.1, bottom=0.42
    )
    figure, axes = page(style, [0.34 * len(cells)], 1, style.one_column, margins)
    axis = axes[0, 0]
    means = np.array([[cell.mean for cell in row] for row in cells.values()])
    texts = np.array([[_text(cell, quantity) for cell in row] for row in cells.values()], object)
    seaborn.heatmap(
        means, ax=axis, annot=texts, fmt="", cmap="crest", cbar=False, linewidths=0.6,
        annot_kws={"fontsize": style.small}, mask=np.isnan(means),
        xticklabels=subject.levels("columns"), yticklabels=list(cells),
    )  # fmt: skip
    for i, row in enumerate(cells.values()):
        for j, cell in enumerate(row):
            if not cell.values:
                axis.text(
                    j + 0.5, i + 0.5, texts[i, j], ha="center", va="center", fontsize=style.small
                )
            if cell.runs and not cell.most_converged:
                hatched = Rectangle((j, i), 1, 1, fill=False, hatch="////", ec="#999999", lw=0)
                axis.add_patch(hatched)
    axis.tick_params(length=0)
    axis.set_yticklabels(axis.get_yticklabels(), rotation=0)
    axis.set_xlabel(subject.factor("columns").label)
    axis.set_ylabel(subject.factor("rows").label)
    spread = "Mean over the replicates that converged; hatched: half or more did not."
    return subject.drawing(figure, sentence_case(quantity.title), spread)


def _text(cell: CellSample, quantity: Quantity) -> str:
    if not cell.values:
        return "n/c" if cell.not_converged else "–"
    share = f"\n{cell.not_converged}/{cell.runs} n/c" if cell.not_converged else ""
    return f"{cell.mean:.{1 if quantity.unit == '%' else 3}f}{share}"
