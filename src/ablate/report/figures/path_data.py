"""The `d` of an SVG path: moved, rounded and written short."""

import re
from collections.abc import Sequence

_TOKEN = re.compile(r"[MLCQZz]|-?\d*\.?\d+(?:e[-+]?\d+)?")
_PAIRS = {"M": 1, "L": 1, "Q": 2, "C": 3}
_LONG = 30  # numbers from which on a path is rounded to tenths: no marker, but a curve
_SMALL = 20  # points across: a marker, which keeps its hundredths
Command = tuple[str, tuple[float, ...]]


def commands(d: str) -> list[Command]:
    """Return absolute commands, `M L Q C z`, each with its numbers."""
    found: list[Command] = []
    tokens = _TOKEN.findall(d)
    place = 0
    while place < len(tokens):
        letter = tokens[place]
        count = 2 * _PAIRS.get(letter, 0)
        numbers = tuple(map(float, tokens[place + 1 : place + 1 + count]))
        found.append((letter, numbers))
        place += 1 + count
    return found


def moved(d: str, x: float, y: float) -> str:
    """Return a path moved by (x, y)."""
    return " ".join(
        " ".join([letter, *(repr(n + (y if i % 2 else x)) for i, n in enumerate(numbers))])
        for letter, numbers in commands(d)
    )


def relative(d: str) -> str:
    """Return a path in relative commands, rounded: hundredths, or tenths of what is long.

    Rounded is where each point lies, not the step to it, so that errors do not add up. Steps of
    no length, and horizontal or vertical ones that go on, are not written apart.
    """
    found = commands(d)
    numbers = [number for _, own in found for number in own]
    decimals = 1 if len(numbers) > _LONG and max(numbers) - min(numbers) > _SMALL else 2
    written: list[tuple[str, tuple[int, ...]]] = []
    here = start = (0, 0)
    for letter, own in found:
        points = [round(number * 10**decimals) for number in own]
        if letter == "M":
            written.append(("M", tuple(points)))
            start = (points[0], points[1])
        elif letter in "Zz":
            written.append(("z", ()))
            here = start
            continue
        else:
            steps = tuple(n - here[i % 2] for i, n in enumerate(points))
            _append(written, letter.lower(), steps)
        here = (points[-2], points[-1])
    return _written(written, decimals)


def _append(
    written: list[tuple[str, tuple[int, ...]]], letter: str, steps: tuple[int, ...]
) -> None:
    if letter == "l":
        if not any(steps) and written[-1][0] != "M":
            return
        if not steps[1] and steps[0]:
            letter, steps = "h", steps[:1]
        elif not steps[0] and steps[1]:
            letter, steps = "v", steps[1:]
        last, before = written[-1]
        if letter == last and letter in "hv" and (steps[0] > 0) == (before[0] > 0):
            written[-1] = (letter, (before[0] + steps[0],))
            return
    if written[-1] == ("l", (0, 0)):  # a dot, unless something follows
        written.pop()
    written.append((letter, steps))


def _written(found: Sequence[tuple[str, tuple[int, ...]]], decimals: int) -> str:
    """Return the text, with no letter repeated and no space where a sign or a point parts two."""
    text, last, number = "", "", ""
    for letter, steps in found:
        if letter != last or letter == "M":
            text, last, number = text + letter, letter, ""
        for step in steps:
            before, number = number, _decimal(step, decimals)
            joined = not before or number[0] == "-" or (number[0] == "." and "." in before)
            text += number if joined else f" {number}"
    return text


def _decimal(value: int, decimals: int) -> str:
    """Return an integer of tenths or hundredths as `1.5`, `-.25`, `3`."""
    whole, rest = divmod(abs(value), 10**decimals)
    behind = f"{rest:0{decimals}d}".rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole or (0 if not behind else '')}{'.' + behind if behind else ''}"
