"""The style of an element of SVG as attributes, and text in the width it was laid out with."""

import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

_LONG_COLOR = re.compile(r"^#(.)\1(.)\2(.)\3$")
_SIZE = re.compile(r"^([\d.]+)px$")
#: What an element has if nothing is said.
_INITIAL = {
    ("fill", "#000"), ("text-anchor", "start"), ("stroke-linecap", "butt"),
    ("stroke-linejoin", "round"), ("stroke-dashoffset", "0"),
}  # fmt: skip


def spread_style(element: Element) -> None:
    """Write a style as attributes, which a page's style sheet can change by theme."""
    style = element.attrib.pop("style", "")
    for part in filter(None, (part.strip() for part in style.split(";"))):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name == "font":
            element.attrib |= _font(value)
        else:
            element.set(name, value)
    element.attrib.pop("font-family", None)  # one for all, at the root
    short = {
        name: _SIZE.sub(r"\1", _LONG_COLOR.sub(r"#\1\2\3", value))
        for name, value in element.attrib.items()
    }
    element.attrib = {name: value for name, value in short.items() if (name, value) not in _INITIAL}
    if element.tag == "text":
        _lay_text(element)


def _font(value: str) -> dict[str, str]:
    """Return the attributes of the shorthand `font: italic bold 7px 'DejaVu Sans'`."""
    found = {}
    for word in value.partition("'")[0].split():
        size = _SIZE.match(word)
        if size:
            found["font-size"] = size[1]
        elif word in ("italic", "oblique"):
            found["font-style"] = word
        else:
            found["font-weight"] = word
    return found


def _lay_text(text: Element) -> None:
    """Keep a text as wide as it was laid out, in whatever font a machine has for it."""
    if text.get("transform", "").startswith("rotate(-0 "):
        del text.attrib["transform"]
    if len(text):
        for span in text:
            spread_style(span)
        _join_spans(text)
    elif text.text and len(text.text) > 3:
        size = float(text.get("font-size", "8"))
        width = _advance(text.text, size, text.get("font-weight", "normal"))
        text.set("textLength", f"{width:.1f}")


def _join_spans(text: Element) -> None:
    """Let neighbours of one size and height, as in 10⁻¹, be one piece with a place per letter."""
    joined: list[Element] = []
    for span in text:
        before = joined[-1] if joined else None
        if before is not None and _rest(before) == _rest(span):
            before.set("x", f"{before.get('x')} {span.get('x')}")
            before.text = (before.text or "") + (span.text or "")
        else:
            joined.append(span)
    text.text = None
    text[:] = joined


def _rest(span: Element) -> dict[str, str]:
    """Return what spans must share to be one; a piece that has not a place per letter has none."""
    alone = len(span.get("x", "").split()) != len(span.text or "")
    rest = {name: value for name, value in span.attrib.items() if name != "x"}
    return {"alone": str(id(span))} if alone else rest


@lru_cache(maxsize=2048)
def _advance(text: str, size: float, weight: str) -> float:
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width: float = text_to_path.get_text_width_height_descent(text, font, False)[0]
    return width
