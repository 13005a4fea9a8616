"""What tuning chose, in words: one value, or how often each where replicates have their own."""

from collections import Counter
from collections.abc import Sequence

from ablate.study.names import level_name
from ablate.study.schema import Tune


def most_chosen(values: Sequence[float]) -> float:
    """Return the value that was chosen most often, the smallest of equals."""
    return _by_count(values)[0][0]


def chosen_text(values: Sequence[float]) -> str:
    """Return `0.1`, or `0.1 (4 of 6), 0.03 (2 of 6)`, the most frequent first; empty of none."""
    found = _by_count(values)
    if len(found) < 2:
        return "".join(level_name(value) for value, _ in found)
    return ", ".join(f"{level_name(v)} ({count} of {len(values)})" for v, count in found)


def chosen_edges(tune: Tune, values: Sequence[float]) -> tuple[float, ...]:
    """Return the smallest and the largest value tried, where half of the choices or more are it."""
    ends = dict.fromkeys((min(tune.values), max(tune.values)))
    return tuple(end for end in ends if values and 2 * list(values).count(end) >= len(values))


def _by_count(values: Sequence[float]) -> list[tuple[float, int]]:
    return sorted(Counter(values).items(), key=lambda one: (-one[1], one[0]))
