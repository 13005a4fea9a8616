"""Levels drawn at random, for a random design: the same draws for the same seed."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np

from ablate.errors import ConfigError, one_of

#: What a factor of a random design may be drawn from, and what each needs.
DISTRIBUTIONS = {
    "uniform": ("low", "high"),
    "loguniform": ("low", "high"),
    "int": ("low", "high"),
    "choice": ("levels",),
}


def draw(name: str, spec: dict[str, Any], cells: int, seed: int, where: str) -> list[Any]:
    """Return `cells` values of the factor `name`; for `choice`, positions among its levels.

    spec  `{distribution: loguniform, low: 0.001, high: 1}`; `int` includes both ends

    A factor draws from a stream named by itself, so that another factor, or another cell at the
    end, moves none of its values. Raises ConfigError for a distribution or bounds that mean
    nothing.
    """
    kind = spec.get("distribution", "choice")
    if kind not in DISTRIBUTIONS:
        raise ConfigError(
            f"{where}: distribution '{kind}' is not known; allowed are {one_of(DISTRIBUTIONS)}."
        )
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    unit = generator.random(cells)
    if kind == "choice":
        return [int(u * len(spec["levels"])) for u in unit]
    low, high = (_bound(spec, side, kind, where) for side in ("low", "high"))
    if not low < high or (kind == "loguniform" and low <= 0):
        least = "0 < low < high" if kind == "loguniform" else "low < high"
        raise ConfigError(f"{where}: low is {low:g} and high {high:g}; they must be {least}.")
    if kind == "int":
        return [int(low + math.floor(u * (high - low + 1))) for u in unit]
    if kind == "loguniform":
        values = [math.exp(math.log(low) + u * (math.log(high) - math.log(low))) for u in unit]
    else:
        values = [low + u * (high - low) for u in unit]
    # As it is named, so that the name says all there is to say.
    return [float(f"{value:.6g}") for value in values]


def _bound(spec: dict[str, Any], side: str, kind: str, where: str) -> float:
    value = spec.get(side)
    whole = kind == "int" and isinstance(value, float) and not value.is_integer()
    if isinstance(value, bool) or not isinstance(value, int | float) or whole:
        number = "a whole number" if kind == "int" else "a number"
        raise ConfigError(f"{where}: {side} is {value}; {kind} needs {number}.")
    return float(value)
