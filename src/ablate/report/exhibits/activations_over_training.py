"""The layers' activations while the network trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, label_outer, page, panel_title
from ablate.report.figures.layers import Band, band, draw_band, some_layers
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import TWO_COLUMNS, plain, shades

_LAYERS = 4
_MARGINS = Margins(left=0.6, top=0.2, across=0.15)


@dataclass(frozen=True, eq=False)
class Panel:
    """The std of activations over steps at one setting, a band per layer."""

    title: str
    bands: Mapping[int, Band]


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the layers' distributions hold still while the network trains."""
    layers = context.frames.layers
    layers = layers[layers["quantity"] == "activation"]
    for subject in subjects(context, "columns", "rows"):
        rows = subject.joined(layers)
        if len(rows):
            caption = subject.caption(
                "Standard deviation of activations over training",
                "Lines: median over replicates; bands: their range.",
            )
            yield Drawing(subject.name, caption, _draw(panels_of(subject, rows)))


def panels_of(subject: Subject, rows: pd.DataFrame) -> list[list[Panel]]:
    """Return the panels, a list per level of `rows`; all have the same layers."""
    chosen = some_layers(rows, _LAYERS)
    return [
        [
            Panel(
                " · ".join(filter(None, [across.name, level.name])),
                {number: band(cell[cell["layer"] == number], "step") for number in chosen},
            )
            for across in subject.levels("columns")
            for cell in [subject.where(rows, columns=across, rows=level)]
        ]
        for level in subject.levels("rows")
    ]


def _draw(panels: list[list[Panel]]) -> Figure:
    layers = list(panels[0][0].bands)
    colors = dict(zip(layers, shades(len(layers)), strict=True))
    handles = [Line2D([], [], color=colors[n], label=f"layer {n}") for n in layers]
    figure, axes = page(
        len(panels), len(panels[0]), TWO_COLUMNS, 1.1, _MARGINS, Legend("", handles),
        sharex=True, sharey=True,
    )  # fmt: skip
    for axis, panel in zip(axes.flat, [panel for row in panels for panel in row], strict=True):
        for layer, shown in panel.bands.items():
            draw_band(axis, shown, colors[layer])
        axis.set_xscale("symlog", linthresh=1)
        axis.set_yscale("log")
        _few_ticks(axis)
        panel_title(axis, panel.title)
    label_outer(axes, "step", ["std of activations"])
    return figure


def _few_ticks(axis: Axes) -> None:
    """Where a log axis spans little, label 1, 2 and 5 of a decade and nothing between."""
    axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_ylim()
    if low > 0 and high / low < 50:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
