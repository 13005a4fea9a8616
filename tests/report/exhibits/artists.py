"""What is on a figure, read from its artists: as numbers again, by the names of its legend."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D


def inks(legend: Legend) -> dict[str, str]:
    """Return the colour of each entry of a legend."""
    handles = zip(legend.get_texts(), legend.get_lines(), strict=True)
    return {text.get_text(): to_hex(line.get_color()) for text, line in handles}


def legend_of(figure: Figure) -> dict[str, str]:
    (legend,) = figure.legends
    return inks(legend)


def lines(axis: Axes, ink: str, dashed: bool = False) -> list[Line2D]:
    """Return the lines of a colour with a solid stroke, or with a broken one."""
    strokes = ("--", ":") if dashed else ("-",)
    own = [line for line in axis.lines if to_hex(line.get_color()) == ink]
    return [line for line in own if line.get_linestyle() in strokes]


def markers(axis: Axes, ink: str, marker: str) -> np.ndarray:
    """Return the points (K, 2) of a colour that are marked and not joined."""
    own = [line for line in axis.lines if to_hex(line.get_color()) == ink]
    marked = [line for line in own if (line.get_marker(), line.get_linestyle()) == (marker, "None")]
    return np.vstack([np.empty((0, 2)), *map(points, marked)])


def points(line: Line2D) -> np.ndarray:
    """Return the points (K, 2) that a line goes through."""
    return np.asarray(line.get_xydata(), dtype=float)


def shade(axis: Axes, ink: str) -> list[tuple[float, float, float]]:
    """Return x, lowest and highest of the shaded band of a colour."""
    (band,) = [
        band for band in axis.collections
        if isinstance(band, PolyCollection) and to_hex(band.get_facecolor()[0]) == ink
    ]  # fmt: skip
    at: dict[float, list[float]] = {}
    for path in band.get_paths():
        for x, y in path.vertices:
            at.setdefault(float(x), []).append(float(y))
    return [(x, min(ys), max(ys)) for x, ys in sorted(at.items())]


def intervals(axis: Axes, ink: str) -> np.ndarray:
    """Return x, mean, low and high (K, 4) of the error bars of a colour."""
    (bars,) = [
        found for found in axis.containers
        if isinstance(found, ErrorbarContainer) and to_hex(found[0].get_color()) == ink
    ]  # fmt: skip
    line, _, (segments,) = bars
    ends = np.array([segment[:, 1] for segment in segments.get_segments()])
    return np.column_stack([points(line), ends])


def strokes(axis: Axes, ink: str) -> list[float]:
    """Return where vertical strokes of a colour stand."""
    found = [made for made in axis.collections if isinstance(made, LineCollection)]
    own = [made for made in found if to_hex(made.get_color()[0]) == to_hex(ink)]
    return [float(segment[0][0]) for made in own for segment in made.get_segments()]
