"""Colours of figures on a dark page: as they are where they can be seen, else lighter.

Greys, which are ink of some strength, keep the contrast that they have with white paper.
"""

import colorsys
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

_PAINT = re.compile(r'\b(fill|stroke)="(#[0-9a-f]{3}(?:[0-9a-f]{3})?)"')
#: The page's own in `style.css`, which has rules for paper and ink.
DARK_PAGE = "#14181d"
_PAPER = "#fff"
_BY_PAGE = {_PAPER, "#000"}
#: WCAG 2.1, 1.4.3 and 1.4.11: of text, and of what else has a meaning.
TEXT_CONTRAST, CONTRAST = 4.5, 3.0


def dark_rules(drawings: Iterable[str]) -> str:
    """Return the style rules of all colours in some SVG texts that a dark page changes."""
    texts = list(drawings)
    found = sorted({paint for text in texts for paint in _PAINT.findall(text)})
    letters = set().union(*map(text_colors, texts))
    rules = []
    for name, color in found:
        least = TEXT_CONTRAST if color in letters else CONTRAST
        if len(set(_channels(color))) == 1:
            light = lightened(
                "#000", max(contrast(color, _PAPER), least if color in letters else 1)
            )
        else:
            light = lightened(color, least)
        if color not in _BY_PAGE and light != color:
            rules.append(f'svg [{name}="{color}"] {{ {name}: light-dark({color}, {light}); }}')
    return "\n".join(rules)


def text_colors(drawing: str) -> set[str]:
    """Return the colours of all text in an SVG text; black is none."""
    return set(_text_colors(ElementTree.fromstring(drawing), ""))


def has_numbers_on_fields(drawing: str) -> bool:
    """Whether text is white somewhere, so that it stands on a coloured field."""
    return _PAPER in text_colors(drawing)


def _text_colors(element: ElementTree.Element, inherited: str) -> Iterator[str]:
    color = element.get("fill", inherited)
    if element.tag.rpartition("}")[2] == "text" and color:
        yield color
    for child in element:
        yield from _text_colors(child, color)


def lightened(color: str, least: float) -> str:
    """Return a colour of the same hue that stands out from the dark page by a contrast."""
    if contrast(color, DARK_PAGE) >= least:
        return color
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    while lightness < 1:
        lightness = min(1.0, lightness + 0.01)
        lighter = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
        if contrast(lighter, DARK_PAGE) >= least:
            return lighter
    return "#ffffff"


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2.1 defines it."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(color: str) -> tuple[float, float, float]:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def _hex(channels: Iterable[float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
