"""A page to draw on: panels placed in inches, a legend above them, and the two files."""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.category import StrCategoryFormatter
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)

from ablate.report.figures.png import write_png
from ablate.report.figures.style import plain, style, text_width
from ablate.report.figures.svg import compact
from ablate.report.sizes import PAPER, Style

_LINE = 1.4 / 72  # height of a text line in inches per point of its size
#: Panels that a grid has side by side.
_IN_A_ROW = 3
#: How many times as high a row becomes where a figure has to be filled.
_MOST_STRETCHED = 2.5
_HANDLE = 0.34  # width of a legend's handle with its padding, inches


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure not yet on disk.

    moving  writes the same as an animation, where there is one
    """

    name: str
    caption: str
    figure: Figure
    moving: Callable[[Path], Path] | None = None

    def save(self, directory: Path, pictures: Path | None = None) -> tuple[Path, Path, Path | None]:
        """Write SVG, PNG and the animation, with nothing in them that names a date or a version.

        pictures  a folder from which PNG and animation are taken over instead, empty where they
                  are not there
        """
        directory.mkdir(parents=True, exist_ok=True)
        svg, png = directory / f"{self.name}.svg", directory / f"{self.name}.png"
        without_formulas(self.figure)
        gif = directory / f"{self.name}.gif" if self.moving else None
        with style():
            _settle(self.figure)
            written = io.StringIO()
            self.figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
            svg.write_text(compact(written.getvalue(), self.name), encoding="utf-8")
            if pictures is None:
                write_png(self.figure, png, matplotlib.rcParams["savefig.dpi"])
        if pictures is not None:
            for path in filter(None, (png, gif)):
                drawn = pictures / path.name
                path.write_bytes(drawn.read_bytes() if drawn.is_file() else b"")
        elif self.moving and gif:
            self.moving(gif)
        return svg, png, gif


def without_formulas(figure: Figure) -> None:
    """Let a $ in a name stand for itself: only matplotlib's own powers of ten are formulas."""
    for text in _texts(figure):
        if "$" in text.get_text() and r"\mathdefault" not in text.get_text():
            text.set_parse_math(False)


def _settle(figure: Figure) -> None:
    """Place titles and empty labels where matplotlib would put them, which it searches for.

    For each drawing, below all ticks and texts: a fifth of the work.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.label.get_text():
                axis.set_label_coords(0.0, 0.0)
        scale = axes.yaxis.get_major_formatter()
        if isinstance(scale, ScalarFormatter):
            scale.set_locs(list(axes.get_yticks()))
        if not scale.get_offset():  # above which a title would have to move
            for place in ("left", "center"):
                if title := axes.get_title(place):
                    axes.set_title(title, loc=place, y=1.0)


def _texts(artist: Artist) -> Iterator[Text]:
    """Yield the texts that may have a name in them: not those of ticks that numbers label.

    Asked for its ticks, an axis makes all of them, also those that are never drawn.
    """
    if isinstance(artist, Text):
        yield artist
    for child in artist.get_children():
        if isinstance(child, Axis):
            yield child.label
            if isinstance(child.get_major_formatter(), FuncFormatter | StrCategoryFormatter):
                yield from child.get_majorticklabels()
        else:
            yield from _texts(child)


@dataclass(frozen=True)
class Margins:
    """Inches around the panels and between them."""

    left: float = 0.5
    right: float = 0.08
    top: float = 0.08
    bottom: float = 0.38
    across: float = 0.5
    down: float = 0.25

    def panel_width(self, width: float, columns: int) -> float:
        """Return how wide each of the panels is that share `width` inches."""
        return (width - self.left - self.right - self.across * (columns - 1)) / columns


@dataclass(frozen=True)
class Legend:
    """Entries of one legend, and how it is set wherever it stands."""

    title: str
    handles: Sequence[Any]
    style: Style = PAPER

    def columns(self, width: float) -> int:
        """Return how many entries fit side by side in `width` inches."""
        size = self.style.small
        widest = max(text_width(str(handle.get_label()), size) for handle in self.handles)
        return max(1, min(len(self.handles), int((width - 0.1) / (widest + _HANDLE + 0.12))))

    def height(self, width: float) -> float:
        """Return the height in inches, the title's line included."""
        rows = math.ceil(len(self.handles) / self.columns(width))
        return (rows + bool(self.title)) * self.style.small * _LINE + 0.06

    def draw(
        self, on: Figure | Axes, width: float, place: Literal["upper left", "lower left"],
        corner: tuple[float, float],
    ) -> None:  # fmt: skip
        """Draw it with its corner `place` at `corner`, in as many columns as fit `width` inches."""
        on.legend(
            handles=list(self.handles), title=self.title or None, loc=place,
            bbox_to_anchor=corner, ncols=self.columns(width), alignment="left", borderaxespad=0.0,
            borderpad=0.1, handlelength=2.2, handletextpad=0.5, columnspacing=1.0,
            labelspacing=0.25,
        )  # fmt: skip


def page(
    style: Style,
    heights: Sequence[float],
    columns: int,
    width: float,
    margins: Margins,
    legend: Legend | None = None,
    **subplots: Any,
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its (rows, columns) axes, below the legend; sizes in inches.

    heights    of the panels of each row; where the style has a height of its own they share that,
               stretched as far as that still looks like rows
    subplots   passed on to matplotlib (`sharex`, `sharey`)
    """
    gaps = margins.down * (len(heights) - 1)
    legend_height = legend.height(width) if legend else 0.0
    around = margins.top + legend_height + margins.bottom
    height = style.height or around + gaps + sum(heights)
    stretched = (height - around - gaps) / sum(heights)
    heights = [each * min(stretched, _MOST_STRETCHED) for each in heights]
    panels = sum(heights) + gaps
    bottom = margins.bottom + (height - around - panels) / 2
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(heights),
        columns,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=bottom / height,
        top=(bottom + panels) / height,
        wspace=margins.across / margins.panel_width(width, columns),
        hspace=margins.down / (sum(heights) / len(heights)),
        height_ratios=heights,
    )
    axes = grid.subplots(squeeze=False, **subplots)
    if legend:
        legend.draw(figure, width, "upper left", (0.04 / width, 1 - 0.02 / height))
    return figure, axes


def panels_of_a_grid(style: Style, count: int) -> int:
    """Return how many of `count` panels one grid takes."""
    return _IN_A_ROW * style.fitting(math.ceil(count / _IN_A_ROW), 1.3)


def grid_of_panels(
    style: Style, titles: Sequence[str], x: str, y: str, margins: Margins, legend: Legend | None
) -> tuple[Figure, list[Axes]]:
    """Return a figure and a panel per title, three in a row, which share both axes and labels."""
    columns = min(len(titles), _IN_A_ROW)
    heights = [1.3] * math.ceil(len(titles) / columns)
    figure, axes = page(
        style, heights, columns, style.two_columns, margins, legend, sharex=True, sharey=True
    )
    panels: list[Axes] = list(axes.flat)
    for axis in panels[len(titles) :]:
        axis.set_visible(False)
    for index, (axis, title) in enumerate(zip(panels, titles, strict=False)):
        axis.set_title(title, loc="left")
        if index + columns >= len(titles):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel(x)
        if index % columns == 0:
            axis.set_ylabel(y)
    return figure, panels[: len(titles)]


def label_outer(axes: np.ndarray, x: str, y: Sequence[str]) -> None:
    """Label x below the lowest panels and y left of each panel, by column as far as given."""
    for panel in axes[-1]:
        panel.set_xlabel(x)
    for column, text in zip(axes.T, y, strict=False):
        for panel in column:
            panel.set_ylabel(text)


def few_log_ticks(axis: Axes) -> None:
    """Where a log axis y spans little, label 1, 2 and 5 of a decade, else decades alone."""
    axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_ylim()
    if low > 0 and high / low < 50:
        if high / low < 3:  # in which there may be none of these
            axis.yaxis.set_major_locator(MaxNLocator(4))
            axis.yaxis.set_minor_locator(NullLocator())
        else:
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
