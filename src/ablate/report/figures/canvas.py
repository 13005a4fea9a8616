"""A page to draw on: panels placed in inches, a legend above them, and the two files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.report.figures.style import SMALL, TEXT, TWO_COLUMNS, Look, style, text_width

_LINE = 1.4 / 72  # height of a text line in inches per point of its size
_HANDLE = 0.34  # width of a legend's handle with its padding, inches
#: What tells levels apart besides their colour.
Cue = Literal["marker", "dash"]
#: How every legend is set, wherever it stands.
LEGEND: Mapping[str, Any] = {
    "alignment": "left", "borderaxespad": 0.0, "borderpad": 0.1, "handlelength": 2.2,
    "handletextpad": 0.5, "columnspacing": 1.0, "labelspacing": 0.25,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure not yet on disk.

    moving  writes the same as an animation, where there is one
    """

    name: str
    caption: str
    figure: Figure
    moving: Callable[[Path], Path] | None = None

    def save(self, directory: Path) -> tuple[Path, Path, Path | None]:
        """Write SVG, PNG and the animation, with nothing in them that names a date or a version."""
        directory.mkdir(parents=True, exist_ok=True)
        svg, png = directory / f"{self.name}.svg", directory / f"{self.name}.png"
        with style():
            self.figure.savefig(svg, metadata={"Date": None, "Creator": None})
            self.figure.savefig(png, metadata={"Software": None})
        gif = self.moving(directory / f"{self.name}.gif") if self.moving else None
        return svg, png, gif


@dataclass(frozen=True)
class Margins:
    """Inches around the panels and between them."""

    left: float = 0.5
    right: float = 0.08
    top: float = 0.08
    bottom: float = 0.38
    across: float = 0.5
    down: float = 0.25


@dataclass(frozen=True)
class Legend:
    """Entries of one legend, shared by all panels and placed above them."""

    title: str
    handles: Sequence[Any]

    def columns(self, width: float) -> int:
        """Return how many entries fit side by side in `width` inches."""
        widest = max(text_width(str(handle.get_label())) for handle in self.handles)
        return max(1, min(len(self.handles), int((width - 0.1) / (widest + _HANDLE + 0.12))))

    def height(self, width: float) -> float:
        """Return the height in inches, the title's line included."""
        rows = math.ceil(len(self.handles) / self.columns(width))
        return (rows + bool(self.title)) * SMALL * _LINE + 0.06


def level_handle(look: Look, label: str, cue: Cue) -> Line2D:
    """Return a legend entry that shows a level's colour and its second cue."""
    if cue == "dash":
        return Line2D([], [], color=look.color, linestyle=look.dash, label=label)
    return Line2D([], [], color=look.color, marker=look.marker, label=label)


def with_handles(legend: Legend | None, *handles: Line2D) -> Legend | None:
    """Return a legend with further entries, None where it has none at all."""
    if not handles:
        return legend
    return Legend(legend.title, [*legend.handles, *handles]) if legend else Legend("", handles)


def page(
    rows: int,
    columns: int,
    width: float,
    panel_height: float,
    margins: Margins,
    legend: Legend | None = None,
    heights: Sequence[float] | None = None,
    **subplots: Any,
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its (rows, columns) axes; sizes in inches.

    heights    of each row where they differ; else `panel_height` each
    subplots   passed on to matplotlib (`sharex`, `sharey`)
    """
    heights = list(heights or [panel_height] * rows)
    legend_height = legend.height(width) if legend else 0.0
    panels = sum(heights) + margins.down * (rows - 1)
    height = margins.top + legend_height + panels + margins.bottom
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    panel_width = (width - margins.left - margins.right - margins.across * (columns - 1)) / columns
    grid = figure.add_gridspec(
        rows,
        columns,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=(margins.bottom + panels) / height,
        wspace=margins.across / panel_width,
        hspace=margins.down / (sum(heights) / rows),
        height_ratios=heights,
    )
    axes = grid.subplots(squeeze=False, **subplots)
    if legend:
        corner = 0.04 / width, 1 - 0.02 / height
        figure.legend(
            handles=list(legend.handles), title=legend.title or None, loc="upper left",
            bbox_to_anchor=corner, ncols=legend.columns(width), **LEGEND,
        )  # fmt: skip
    return figure, axes


def grid_of_panels(
    titles: Sequence[str], x: str, y: str, margins: Margins, legend: Legend | None
) -> tuple[Figure, list[Axes]]:
    """Return a figure and a panel per title, three in a row, which share both axes and labels."""
    columns = min(len(titles), 3)
    rows = math.ceil(len(titles) / columns)
    figure, axes = page(rows, columns, TWO_COLUMNS, 1.3, margins, legend, sharex=True, sharey=True)
    panels: list[Axes] = list(axes.flat)
    for axis in panels[len(titles) :]:
        axis.set_visible(False)
    for index, (axis, title) in enumerate(zip(panels, titles, strict=False)):
        panel_title(axis, title)
        if index + columns >= len(titles):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel(x)
        if index % columns == 0:
            axis.set_ylabel(y)
    return figure, panels[: len(titles)]


def interval(
    axis: Axes,
    x: npt.ArrayLike,
    mean: npt.ArrayLike,
    half: npt.ArrayLike,
    look: Look,
    across: bool = False,
    size: float = 3.2,
) -> None:
    """Draw means with their intervals, joined by a line.

    x       where each stands: along the axis of the levels, which is y where `across`
    half    half-width of each interval, 0 where there is none
    size    of the markers, points
    """
    bars: dict[str, Any] = {"xerr" if across else "yerr": half}
    axis.errorbar(
        *((mean, x) if across else (x, mean)), **bars, color=look.color, marker=look.marker,
        lw=0.9, elinewidth=0.9, capsize=1.5, ms=size,
    )  # fmt: skip


def label_outer(axes: np.ndarray, x: str, y: Sequence[str] | None = None) -> None:
    """Label x below the lowest panels and y left of each column of panels, or as given."""
    for panel in axes[-1]:
        panel.set_xlabel(x)
    for column, text in enumerate(y or ()):
        for panel in axes[:, column]:
            panel.set_ylabel(text)


def panel_title(panel: Axes, text: str) -> None:
    """Write what a panel shows above its left corner."""
    panel.set_title(text, loc="left", fontsize=TEXT)
