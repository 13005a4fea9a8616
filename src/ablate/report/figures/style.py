"""How every figure looks: sizes, fonts, the colour and marker of a level, numbers as text."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from ablate.report.sizes import PAPER, Style
from ablate.report.wording import power_of_ten
from ablate.study.schema import Factor, Level, Study

#: Ink that stands for no level: frames, single series, theory.
NEUTRAL = "#404040"


def _rc(style: Style) -> dict[str, Any]:
    ticks = {
        "labelsize": style.small, "major.width": 0.6, "minor.width": 0.4, "major.size": 2.5,
        "minor.size": 1.5, "major.pad": 2.0,
    }  # fmt: skip
    return {
        **{f"{axis}tick.{name}": value for axis in "xy" for name, value in ticks.items()},
        "font.family": ["DejaVu Sans"],  # ships with matplotlib, so every machine has it
        "font.size": style.text,
        "axes.titlesize": style.text,
        "axes.labelsize": style.text,
        "legend.fontsize": style.small,
        "legend.title_fontsize": style.small,
        "legend.frameon": False,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlepad": 3.0,
        "axes.labelpad": 2.0,
        "axes.unicode_minus": True,
        "lines.linewidth": 1.1,
        "lines.markersize": 3.6,
        "lines.markeredgewidth": 0.5,
        "hatch.linewidth": 0.4,
        "path.simplify_threshold": 0.3,  # of a pixel: what is finer is not seen
        "savefig.dpi": 200,
        "svg.hashsalt": "ablate",  # else element ids are random
        "svg.fonttype": "none",  # text stays text, see `figures.svg`
        "pdf.fonttype": 42,  # text that can be searched
    }


#: Hues for levels without an order. The first n are far apart for every n, also as people without
#: red or green cones see them: 54, 31, 26, 21, 21, 15, 12, 12, 11, 10 and 8 in CAM02-UCS, of which
#: about 1 is just seen. Chosen by that from Wong's, Tol's and seaborn's colour-blind palettes.
_HUES = (
    "#0173b2", "#de8f05", "#7a4a1e", "#44aa99", "#332288", "#56b4e9",
    "#882255", "#ca9161", "#cc6677", "#d55e00", "#cc78bc", "#aa4499",
)  # fmt: skip
#: Levels of all factors that get a hue each; with more, every factor begins anew.
_FAR_APART = 6
#: Ramps for levels with an order, dark to light: the first numeric factor's, the next one's. What
#: follows is too pale for a thin line on white.
_RAMPS, _PALEST = ("viridis", "inferno"), 0.85
_MARKERS = "os^DvPX<>p*hd"
_DASHES: tuple[Any, ...] = (
    "-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (7, 2)), (0, (3, 1, 1, 1, 1, 1)),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one level of a factor is drawn: in another colour and marker than others of it."""

    color: str
    marker: str
    dash: Any


#: How a series is drawn that stands for no level.
NO_LEVEL = Look(NEUTRAL, "o", "-")


@contextmanager
def style(sizes: Style = PAPER) -> Iterator[None]:
    """Draw within this context: nobody's matplotlibrc reaches the figures."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_rc(sizes))  # type: ignore[arg-type]
        yield


def looks(study: Study) -> dict[tuple[str, str], Look]:
    """Return the look of every level by (factor, level), the same in all of a report's figures.

    Levels with an order run from dark to light. Others have hues, numbered through the factors of
    the study where that leaves them far apart, else from the first hue within each.
    """
    ordered = [factor.name for factor in study.factors if is_ordered(factor)]
    unordered = [factor for factor in study.factors if factor.name not in ordered]
    through = sum(len(factor.levels) for factor in unordered) <= _FAR_APART
    found: dict[tuple[str, str], Look] = {}
    hue = marker = 0
    for factor in study.factors:
        count = len(factor.levels)
        if factor.name in ordered:
            ramp = shades(count, _RAMPS[ordered.index(factor.name) % len(_RAMPS)])
            numbers = [level_number(level) or 0.0 for level in factor.levels]
            colors = [ramp[rank] for rank in np.argsort(np.argsort(numbers))]
        else:
            first = hue if through else 0
            colors = [look(first + number).color for number in range(count)]
            hue += count
        for place, (level, color) in enumerate(zip(factor.levels, colors, strict=True)):
            cue = look(marker + place)
            found[factor.name, level.name] = Look(color, cue.marker, cue.dash)
        marker += count
    return found


def is_ordered(factor: Factor) -> bool:
    """Return whether a factor's levels are numbers, three or more, so that a ramp says more."""
    return len(factor.levels) > 2 and None not in map(level_number, factor.levels)


def level_number(level: Level) -> float | None:
    """Return the number that a level sets, else the number that it is called, else None."""
    if level.number is not None:
        return level.number
    try:
        return float(level.name)
    except ValueError:
        return None


def look(number: int) -> Look:
    """Return one of many looks; the first twelve differ in colour and marker."""
    return Look(
        _HUES[number % len(_HUES)],
        _MARKERS[number % len(_MARKERS)],
        _DASHES[number % len(_DASHES)],
    )


def shades(count: int, ramp: str = _RAMPS[0]) -> list[str]:
    """Return `count` ordered colours from dark to light."""
    places = np.linspace(0, _PALEST, count)
    return [to_hex(matplotlib.colormaps[ramp](place)) for place in places]


@lru_cache(maxsize=2048)
def text_width(text: str, size: float = PAPER.small) -> float:
    """Return the width of a text in inches, of its widest line."""
    font = FontProperties(family="DejaVu Sans")
    text = text.replace("$", r"\$")  # which stands for itself and begins no formula
    return max(
        _outline_width(TextPath((0, 0), line, size=size, prop=font)) / 72 if line.strip() else 0.0
        for line in text.split("\n")
    )


def _outline_width(path: Path) -> float:
    """Return how far an outline reaches from left to right, as `get_extents` has it.

    Outlines of letters have straight lines and quadratic curves, here all at once.
    """
    x, codes = np.asarray(path.vertices)[:, 0], np.asarray(path.codes)
    # Of a curve the control point is the first of two: it lies beyond what is drawn.
    control = np.flatnonzero(codes == Path.CURVE3)[::2]
    drawn = np.delete(x, [*control, *np.flatnonzero(codes == Path.CLOSEPOLY)])
    a, b, c = x[control - 1], x[control], x[control + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (a - b) / (a - 2 * b + c)
    turns = (t > 0) & (t < 1)
    a, b, c, t = (values[turns] for values in (a, b, c, t))
    reached = np.concatenate([drawn, (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c])
    return float(reached.max() - reached.min())


def wrapped(text: str, width: float) -> str:
    """Break a title after spaces, `_`, `-` and `/` so that it fits `width` inches, else cut it."""
    lines = [""]
    for piece in re.split(r"(?<=[ _/-])", text):
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), PAPER.text) > width:
            lines.append(piece)
        else:
            lines[-1] += piece
    return "\n".join(_cut(line.rstrip(" "), width) for line in lines if line)


def _cut(line: str, width: float) -> str:
    if text_width(line, PAPER.text) <= width:
        return line
    while len(line) > 1 and text_width(line + "…", PAPER.text) > width:
        line = line[:-1]
    return line + "…"


def _scientific(mantissa: str, power: int) -> str:
    ten = power_of_ten(power)
    return ten if float(mantissa) == 1 else f"{mantissa}×{ten}"


def number(value: float) -> str:
    """Return a positive number with two significant digits, as `0.83`, `41` or `2.4×10⁻¹²`."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    power = int(exponent)
    if not -3 <= power <= 3:
        return _scientific(mantissa, power)
    return f"{float(f'{mantissa}e{power}'):.{max(1 - power, 0)}f}" if value else "0"


def plain(value: float) -> str:
    """Return a number as on a tick: `0.003`, `1`, `2×10⁻⁹`, with no digit that says nothing."""
    mantissa, _, exponent = f"{abs(value):.3e}".partition("e")
    if value == 0 or -4 < int(exponent) < 5:
        return f"{value:.6g}".replace("-", "−")
    return ("−" if value < 0 else "") + _scientific(f"{float(mantissa):g}", int(exponent))


def percent(fraction: float) -> str:
    """Return a fraction as `0 %`, `<1 %`, `50 %`."""
    if not math.isfinite(fraction):
        return "–"
    if 0 < fraction < 0.01:
        return "<1 %"
    if 0.99 < fraction < 1:
        return ">99 %"
    return f"{100 * fraction:.0f} %"
