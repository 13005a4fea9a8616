"""The layers' activations while the network trains."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, label_outer, page
from ablate.report.figures.layers import some_layers
from ablate.report.figures.sample import band, draw_band
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import TWO_COLUMNS, plain, shades

_LAYERS = 4
_MARGINS = Margins(left=0.6, top=0.2, across=0.15)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the layers' distributions hold still while the network trains."""
    layers = context.frames.layers
    layers = layers[layers["quantity"] == "activation"]
    for subject in subjects(context, "columns", "rows"):
        rows = subject.joined(layers)
        if len(rows):
            yield subject.drawing(
                _draw(subject, panels_of(subject, rows)),
                "Standard deviation of activations over training",
                "Lines: median over replicates; bands: their range.",
            )


def panels_of(
    subject: Subject, rows: pd.DataFrame
) -> dict[tuple[str, str], dict[int, pd.DataFrame]]:
    """Return bands by layer of the std of activations, by level of `rows` and of `columns`."""
    layers = some_layers(rows, _LAYERS)
    rows = rows[rows["std"] > 0]  # what can stand on a log axis
    panels = {}
    for down in subject.levels("rows"):
        for across in subject.levels("columns"):
            cell = subject.where(rows, columns=across, rows=down)
            panels[down, across] = {
                layer: band(cell[cell["layer"] == layer], "step", "std") for layer in layers
            }
    return panels


def _draw(subject: Subject, panels: Mapping[tuple[str, str], Mapping[int, pd.DataFrame]]) -> Figure:
    layers = list(next(iter(panels.values())))
    colors = dict(zip(layers, shades(len(layers)), strict=True))
    handles = [Line2D([], [], color=colors[n], label=f"layer {n}") for n in layers]
    heights = [1.1] * len(subject.levels("rows"))
    figure, axes = page(
        heights, len(subject.levels("columns")), TWO_COLUMNS, _MARGINS, Legend("", handles),
        sharex=True, sharey=True,
    )  # fmt: skip
    for axis, ((down, across), bands) in zip(axes.flat, panels.items(), strict=True):
        for layer, shown in bands.items():
            draw_band(axis, shown, colors[layer])
        axis.set_xscale("symlog", linthresh=1)
        axis.set_yscale("log")
        _few_ticks(axis)
        axis.set_title(" · ".join(filter(None, [across, down])), loc="left")
    label_outer(axes, "step", ["std of activations"])
    return figure


def _few_ticks(axis: Axes) -> None:
    """Where a log axis spans little, label 1, 2 and 5 of a decade and nothing between."""
    axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_ylim()
    if low > 0 and high / low < 50:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
