"""Levels drawn at random, for a random design: the same draws for the same seed."""

import math
import zlib
from typing import Any

import numpy as np

from ablate.errors import ConfigError
from ablate.study.file import FactorFile


def draw(name: str, factor: FactorFile, cells: int, seed: int, where: str) -> list[Any]:
    """Return `cells` values of a factor; of one with levels, positions among them.

    A factor draws from a stream named by itself, so that another factor, or another cell at the
    end, moves none of its values. `int` includes both ends. Raises ConfigError for bounds that
    mean nothing.
    """
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    unit = generator.random(cells)
    kind = factor.distribution or "choice"
    if kind == "choice":
        if factor.levels is None:
            raise ConfigError(f"{where}: 'levels' is missing; or give distribution, low and high.")
        if (factor.low, factor.high) != (None, None):
            raise ConfigError(f"{where}: levels have no low and high; give a distribution instead.")
        return [int(u * len(factor.levels)) for u in unit]
    if factor.levels is not None:
        raise ConfigError(f"{where}: distribution {kind} has low and high, not levels.")
    low, high = (_bound(factor, side, where) for side in ("low", "high"))
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


def _bound(factor: FactorFile, side: str, where: str) -> float:
    value: float | None = getattr(factor, side)
    kind = factor.distribution
    if value is None or (kind == "int" and not float(value).is_integer()):
        number = "a whole number" if kind == "int" else "a number"
        raise ConfigError(f"{where}: {side} is {value}; {kind} needs {number}.")
    return float(value)
