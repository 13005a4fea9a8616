"""The layers' activations while the network trains: their spread, and where the last one's lie."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, few_log_ticks, label_outer, page
from ablate.report.figures.layers import pages_of, probed, some_layers
from ablate.report.figures.sample import band, draw_band
from ablate.report.figures.select import Subject, converged, subjects
from ablate.report.figures.style import plain, shades

_LAYERS = 4
_MARGINS = Margins(left=0.6, top=0.2, across=0.15)
#: How wide the line of each is drawn, points.
_PERCENTILES = {"p15": 0.6, "p50": 1.3, "p85": 0.6}

#: What is read of the frame of layers.
_READ = ("cell", "replicate", "step", "layer", "std", *_PERCENTILES)

#: A panel by level of `rows` and of `columns`.
Place = tuple[str, str]


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw whether the layers' distributions hold still while the network trains."""
    layers = probed(context, _READ, quantity=["activation"])
    for subject in subjects(context, "columns", "rows"):
        rows = subject.joined(layers)
        if len(rows):
            yield from _drawings(subject, rows)


def _drawings(subject: Subject, rows: pd.DataFrame) -> Iterator[Drawing]:
    yield from _pages(
        subject, panels_of(subject, rows), _draw,
        "Standard deviation of activations over training", "Lines: median over replicates; bands: "
        "their range.",
    )  # fmt: skip
    last = int(rows["layer"].max())
    yield from _pages(
        subject, percentiles_of(subject, rows, last), _draw_percentiles,
        f"What layer {last} passes to its activation function, over training",
        "Lines: 15th, 50th and 85th percentile of the values, the outer ones thin; of each the "
        "median over the replicates that converged.", "-percentiles",
    )  # fmt: skip


def _pages(
    subject: Subject, panels: Mapping[Place, Any], draw: Callable[[Subject, Any], Figure],
    what: str, spread: str, suffix: str = "",
) -> Iterator[Drawing]:  # fmt: skip
    """Yield drawings of as many rows of panels as one takes."""
    most = subject.style.fitting(len(panels), 1.1)
    for name, rows in pages_of(f"{subject.name}{suffix}", subject.levels("rows"), most):
        shown = {place: panel for place, panel in panels.items() if place[0] in rows}
        yield subject.drawing(draw(subject, shown), what, spread, name)


def panels_of(subject: Subject, rows: pd.DataFrame) -> dict[Place, dict[int, pd.DataFrame]]:
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


def percentiles_of(subject: Subject, rows: pd.DataFrame, layer: int) -> dict[Place, pd.DataFrame]:
    """Return percentiles of a layer's pre-activations by step: columns p15, p50 and p85.

    Each is the median over the replicates that converged; by level of `rows` and of `columns`.
    """
    rows = converged(rows[rows["layer"] == layer])
    return {
        (down, across): subject.where(rows, columns=across, rows=down)
        .groupby("step")[list(_PERCENTILES)]
        .median()
        .dropna()
        for down in subject.levels("rows")
        for across in subject.levels("columns")
    }


def _panels(
    subject: Subject, places: Iterable[Place], y: str, legend: Legend | None
) -> dict[Place, Axes]:
    """Return a titled panel over the steps of training for each place."""
    style, across = subject.style, len(subject.levels("columns"))
    places = list(places)
    _, axes = page(
        style, [1.1] * (len(places) // across), across, style.two_columns, _MARGINS, legend,
        sharex=True, sharey=True,
    )  # fmt: skip
    panels = dict(zip(places, axes.flat, strict=True))
    for (down, across_), axis in panels.items():
        axis.set_xscale("symlog", linthresh=1)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        axis.set_title(" · ".join(filter(None, [across_, down])), loc="left")
    label_outer(axes, "step", [y])
    return panels


def _draw_percentiles(subject: Subject, shown: Mapping[Place, pd.DataFrame]) -> Figure:
    panels = _panels(subject, shown, "input of the activation", None)
    figure = next(iter(panels.values())).figure
    assert isinstance(figure, Figure)
    for (down, across), axis in panels.items():
        points, ink = shown[down, across], subject.ink("columns", across).color
        axis.axhline(0, color="#d5d5d5", lw=0.5, zorder=0)
        if points.empty:
            axis.text(0.5, 0.6, "no run converged", transform=axis.transAxes, ha="center")
            continue
        axis.fill_between(points.index, points["p15"], points["p85"], color=ink, alpha=0.15, lw=0)
        for name, width in _PERCENTILES.items():
            axis.plot(points[name], color=ink, lw=width)
    return figure


def _draw(subject: Subject, panels: Mapping[Place, Mapping[int, pd.DataFrame]]) -> Figure:
    layers = list(next(iter(panels.values())))
    colors = dict(zip(layers, shades(len(layers)), strict=True))
    handles = [Line2D([], [], color=colors[n], label=f"layer {n}") for n in layers]
    places = _panels(subject, panels, "std of activations", Legend("", handles, subject.style))
    for place, axis in places.items():
        for layer, shown in panels[place].items():
            draw_band(axis, shown, colors[layer])
        axis.set_yscale("log")
        few_log_ticks(axis)
    figure = axis.figure
    assert isinstance(figure, Figure)
    return figure
