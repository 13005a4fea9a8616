"""Contenders timed in turn, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Runs once and returns the seconds that count.
Contender = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of one number over the rounds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Summarize one value or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)


def interleave(
    contenders: Mapping[str, Contender],
    rounds: int,
    say: Callable[[str], None],
    warm_up: bool = True,
) -> dict[str, list[float]]:
    """Return seconds per round of each contender.

    Each round runs all of them, and starts with another one than the round before: caches and
    clock speeds favour no position. `warm_up`: a round before the first is thrown away, which
    pays for memory, caches and lazy imports; whole processes pay for them every time.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(0 if warm_up else 1, rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = contenders[name]()
            if number:
                seconds[name].append(taken)
        say("warm-up" if number == 0 else f"round {number} of {rounds}")
    return seconds


def ratios(above: list[float], below: list[float]) -> Spread:
    """Return `above / below` round by round: what slowed a round is in both."""
    return Spread.of([a / b for a, b in zip(above, below, strict=True)])


def timed(work: Callable[[], object]) -> Contender:
    """Return a contender that counts all of `work`."""

    def contender() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return contender
