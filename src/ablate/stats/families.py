"""Families of tests: Holm's (1979) steps, as adjusted p values and as levels."""

import math
from collections.abc import Sequence

import numpy as np

from ablate.stats.intervals import ALPHA


def deviation_level(k: int, alpha: float = ALPHA) -> float:
    """Return the level of the k-th declaration of a study, k = 1 the one before its first run.

    alpha for the first, and alpha (6/pi^2)/k^2 for those after it. Nobody knows beforehand how many
    will follow, nor what earlier runs made of them: by the union bound any number of declarations
    err with probability alpha (2 - 6/pi^2) = 1.4 alpha at most, as sum 1/k^2 = pi^2/6.
    """
    return alpha if k == 1 else alpha * 6 / (math.pi * k) ** 2


def holm(p: Sequence[float]) -> list[float]:
    """Return p values adjusted by Holm 1979, in the order given."""
    # statsmodels' multipletests collects all garbage at each call: 25 ms and more per column.
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return [float(value) for value in adjusted]


def holm_levels(p: Sequence[float], alpha: float) -> list[float]:
    """Return the level at which each of a family is judged: Holm's steps.

    The smallest p is judged at alpha/m, the next at alpha/(m - 1) and so on, until one is not
    decided; that one and all after it are judged at its level. Intervals of these levels agree
    with the verdicts, and hold together with probability 1 - alpha at least where nothing is
    decided.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = alpha / np.arange(len(values), 0, -1)
    undecided = steps[values[order] > steps]
    levels = np.empty_like(values)
    levels[order] = np.minimum(steps, undecided.min(initial=np.inf))
    return [float(level) for level in levels]
