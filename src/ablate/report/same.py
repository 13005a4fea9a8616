"""Whether two files of a report say the same, whatever processor made them.

Processors differ in the last bits: numpy takes other instructions where it finds them, so that
sums are taken in another order and `exp` rounds otherwise. What follows moves in the 16th digit,
and where a printed number lies on the border between two it may be printed as the next. Whatever
is no number has to be equal.
"""

import base64
import binascii
import io
import json
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

#: Of numbers that are not rounded for print: far above what rounding moves, far below any digit
#: that is looked at.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
#: Of numbers of a drawing, in points: a fiftieth of a line's width is nothing that is seen.
_POINTS = 0.05
#: Of the pixels of an image within a drawing, of 255.
_LEVELS = 1
#: Of the numbers in frames. Statistics of layers have 20 bits, and the last may go either way.
_FRAMES = 2e-6
#: What of a manifest tells of the machine and of bytes.
_OF_THE_MACHINE = ("platform", "digests")

#: A number that is no part of a name, a version or a digest.
_NUMBER = re.compile(
    r"(?<![\w.])((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\w|\.\d)", re.ASCII
)
_COORDINATE = re.compile(r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)", re.ASCII)
#: What matplotlib calls the pieces of a drawing: a digest of their numbers.
_PIECE = re.compile(r"((?:id=\"|#)(?:m|p|h|image|C[0-9a-f]+_[0-9a-f]+_))([0-9a-f]{10})(?=[\")])")
_INLINE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_DRAWING = re.compile(r"(data:image/svg\+xml;base64,[A-Za-z0-9+/=]+|<svg\b.*?</svg>)", re.DOTALL)


def same(name: str, one: bytes, other: bytes) -> bool:
    """Tell whether two files say the same, by what their name ends with; False for damaged ones.

    Pictures of pixels are not looked at: they follow from drawings of numbers.
    """
    ending = name.rpartition(".")[2]
    if one == other or ending in ("png", "gif"):
        return True
    try:
        return _RULES.get(ending, _same_bytes)(one, other)
    except ValueError:  # what is no UTF-8, JSON or number
        return False


def same_text(one: str, other: str) -> bool:
    """Tell whether printed texts agree: in numbers up to one unit of their last digit.

    A whole number is a count, and equal.
    """
    return _same_split(_NUMBER, one, other, _same_printed)


def same_drawing(one: str, other: str) -> bool:
    """Tell whether two SVG draw the same, numbers up to 0.05 points."""
    (a, images), (b, others) = _without_images(one), _without_images(other)
    return _same_split(_COORDINATE, a, b, _same_place) and all(
        _same_image(*pair) for pair in zip_longest(images, others)
    )


def _same_split(
    number: re.Pattern[str], one: str, other: str, agree: Callable[[str, str], bool]
) -> bool:
    """Split both at their numbers: what lies between is equal, and the numbers agree."""
    a, b = number.split(one), number.split(other)
    return a[::2] == b[::2] and all(
        x == y or agree(x, y) for x, y in zip(a[1::2], b[1::2], strict=True)
    )


def _same_printed(one: str, other: str) -> bool:
    a, b = one.replace(",", ""), other.replace(",", "")
    if a.isdecimal() or b.isdecimal():
        return False
    # A hair more than a unit, for what binary makes of it.
    unit = 1.001 * max(_unit(a), _unit(b))
    return abs(float(a) - float(b)) <= max(unit, _RELATIVE * abs(float(a)))


def _unit(number: str) -> float:
    """Return what the last digit of a number counts."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def _same_unrounded(one: str, other: str) -> bool:
    a, b = float(one.replace(",", "")), float(other.replace(",", ""))
    whole = one.isdecimal() and other.isdecimal()
    return not whole and abs(a - b) <= max(_ABSOLUTE, _RELATIVE * max(abs(a), abs(b)))


def _same_place(one: str, other: str) -> bool:
    return abs(float(one) - float(other)) <= _POINTS


def _without_images(svg: str) -> tuple[str, list[Any]]:
    """Return a drawing without the images in it, its pieces counted, and the images' pixels."""
    numbers: dict[str, int] = {}
    counted = _PIECE.sub(lambda m: f"{m[1]}{numbers.setdefault(m[2], len(numbers))}", svg)
    return _INLINE.sub("image", counted), [_pixels(found) for found in _INLINE.findall(svg)]


def _pixels(text: str) -> Any:
    import numpy as np
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"), int)
    except (OSError, binascii.Error) as error:  # no image
        raise ValueError(text[:20]) from error


def _same_image(one: Any, other: Any) -> bool:
    if one is None or other is None or one.shape != other.shape:
        return False
    return bool(abs(one - other).max(initial=0) <= _LEVELS)


def _same_page(one: str, other: str) -> bool:
    """Compare HTML: its drawings as drawings, the rest as text."""
    a, b = _DRAWING.split(one), _DRAWING.split(other)
    return (
        len(a) == len(b)
        and all(map(same_text, a[::2], b[::2]))
        and all(map(same_drawing, map(_svg, a[1::2]), map(_svg, b[1::2])))
    )


def _svg(found: str) -> str:
    _, inline, encoded = found.partition(";base64,")
    return base64.b64decode(encoded).decode() if inline and found.startswith("data:") else found


def _same_json(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return same_text(one, other)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= max(_ABSOLUTE, _RELATIVE * abs(one))
    return bool(type(one) is type(other) and one == other)


def _without_machine(content: Any) -> Any:
    """Return a manifest with what tells of the machine left out; of digests the names stay."""
    if not isinstance(content, dict):
        return content
    digests = sorted(content.get("digests", ()))
    return {k: v for k, v in content.items() if k not in _OF_THE_MACHINE} | {"digests": digests}


def _same_frame(one: bytes, other: bytes) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pandas.testing import assert_frame_equal

    try:
        a, b = (pq.read_table(pa.BufferReader(content)).to_pandas() for content in (one, other))
        assert_frame_equal(a, b, rtol=_FRAMES, atol=0)
    except (AssertionError, pa.ArrowException):
        return False
    return True


def _same_bytes(one: bytes, other: bytes) -> bool:
    return one == other


def _of_text(agree: Callable[[str, str], bool]) -> Callable[[bytes, bytes], bool]:
    return lambda one, other: agree(one.decode(), other.decode())


_RULES: dict[str, Callable[[bytes, bytes], bool]] = {
    "md": _of_text(same_text),
    "tex": _of_text(same_text),
    "csv": _of_text(lambda one, other: _same_split(_NUMBER, one, other, _same_unrounded)),
    "html": _of_text(_same_page),
    "svg": _of_text(same_drawing),
    "json": _of_text(
        lambda one, other: _same_json(*(_without_machine(json.loads(t)) for t in (one, other)))
    ),
    "parquet": _same_frame,
}
