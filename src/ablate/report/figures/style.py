"""How every figure looks: sizes, fonts, the colour and marker of a level, numbers as text."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
import seaborn
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from ablate.study.schema import Study

#: Print widths in inches: one and two columns of a paper.
ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0
#: Font sizes in points at print size: labels and titles; ticks, legends and notes in panels.
TEXT, SMALL = 8.0, 7.0
#: Ink that stands for no level: frames, single series, theory.
NEUTRAL = "#404040"

_TICKS = {
    "labelsize": SMALL, "major.width": 0.6, "minor.width": 0.4, "major.size": 2.5,
    "minor.size": 1.5, "major.pad": 2.0,
}  # fmt: skip
_RC: dict[str, Any] = {
    **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
    "font.family": ["DejaVu Sans"],  # ships with matplotlib, so every machine has it
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
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
    "savefig.dpi": 200,
    "svg.hashsalt": "ablate",  # else element ids are random
    "svg.fonttype": "none",
}

# seaborn's colour-blind palette without its yellow and pink, which are too pale for a thin
# line on white; ordered so that the first few differ in lightness as well as in hue.
_COLORS = [seaborn.color_palette("colorblind").as_hex()[i] for i in (0, 1, 2, 4, 9, 3, 5, 7)]
_MARKERS = "os^DvPX<>p*hd"
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (7, 2)))


@dataclass(frozen=True)
class Look:
    """How one level of a factor is drawn; no two levels of a study share all three."""

    color: str
    marker: str
    dash: Any


#: How a series is drawn that stands for no level.
NO_LEVEL = Look(NEUTRAL, "o", "-")


@contextmanager
def style() -> Iterator[None]:
    """Draw within this context: nobody's matplotlibrc reaches the figures."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


def looks(study: Study) -> dict[tuple[str, str], Look]:
    """Return the look of every level by (factor, level), the same in all of a report's figures.

    Levels are numbered through all factors of the study, so that a colour means one level only
    as long as there are colours.
    """
    levels = ((factor.name, level.name) for factor in study.factors for level in factor.levels)
    return {level: look(number) for number, level in enumerate(levels)}


def look(number: int) -> Look:
    """Return one of many looks; the first eight differ in colour."""
    return Look(
        _COLORS[number % len(_COLORS)],
        _MARKERS[number % len(_MARKERS)],
        _DASHES[number % len(_DASHES)],
    )


def shades(count: int) -> list[str]:
    """Return `count` ordered colours from dark to light, for things that are no levels."""
    palette = seaborn.color_palette("viridis", n_colors=count + 1).as_hex()
    return list(palette[:count])


@lru_cache(maxsize=2048)
def text_width(text: str, size: float = SMALL) -> float:
    """Return the width of a text in inches, of its widest line."""
    font = FontProperties(family="DejaVu Sans")
    text = text.replace("$", r"\$")  # which stands for itself and begins no formula
    return max(
        TextPath((0, 0), line, size=size, prop=font).get_extents().width / 72 if line.strip() else 0
        for line in text.split("\n")
    )


def wrapped(text: str, width: float) -> str:
    """Break a title after spaces, `_`, `-` and `/` so that it fits `width` inches, else cut it."""
    lines = [""]
    for piece in re.split(r"(?<=[ _/-])", text):
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), TEXT) > width:
            lines.append(piece)
        else:
            lines[-1] += piece
    return "\n".join(_cut(line.rstrip(" "), width) for line in lines if line)


def _cut(line: str, width: float) -> str:
    if text_width(line, TEXT) <= width:
        return line
    while len(line) > 1 and text_width(line + "…", TEXT) > width:
        line = line[:-1]
    return line + "…"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _scientific(mantissa: str, power: int) -> str:
    ten = f"10{str(power).translate(_SUPERSCRIPTS)}"
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


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
