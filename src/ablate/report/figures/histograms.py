"""Histograms of what the probe saw, all on one axis: panels by layer and level, and their bars."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.probe.histogram import BINS, INNER, edges
from ablate.report.figures.layers import Floats, predicted_std, some_layers
from ablate.report.figures.select import Subject

#: Activations that lie in [-1, 1].
_BOUNDED = ("sigmoid", "tanh")
#: Layers whose spreads differ by more than this share no linear axis: the narrow ones, and all
#: but the widest, would be strokes at zero.
_MOST_ON_LINEAR = 6.0
#: Bars across an axis: as many as print shows. Odd, so that one is centred on zero.
_BARS = 81
#: Shares that are printed, in this order, where one of them is not zero.
_SHARES = ("zero", "dead", "saturated")


@dataclass(frozen=True, eq=False)
class Panel:
    """One layer at one level over its replicates; `std` and shares are medians.

    counts  of each replicate: exponent and counts (130,) of `ablate.probe.histogram`
    shares  by name: zero, dead, saturated
    theory  predicted std, None where there is none
    """

    counts: Sequence[tuple[int, Floats]]
    std: float
    shares: Mapping[str, float]
    theory: float | None


@dataclass(frozen=True)
class Axis:
    """What every panel of a figure stands on.

    is_log     whether it shows the logarithm of magnitudes, whatever their sign
    low, high  its ends
    is_bound   whether no value exceeds `high`
    """

    is_log: bool
    low: float
    high: float
    is_bound: bool = False

    def sides(self) -> Floats:
        """Return the sides of its bars (82,)."""
        space = np.geomspace if self.is_log else np.linspace
        return np.asarray(space(self.low, self.high, _BARS + 1))


@dataclass(frozen=True, eq=False)
class Histograms:
    """What a figure shows.

    panels  by layer and level; a cell without probed runs has none
    shares  which of each panel's shares are printed
    axis    None where nothing is other than zero and finite
    """

    layers: tuple[int, ...]
    levels: tuple[str, ...]
    panels: Mapping[tuple[int, str], Panel]
    shares: tuple[str, ...]
    axis: Axis | None


@dataclass(frozen=True, eq=False)
class Bars:
    """A panel's bars from the first to the last that is not empty.

    sides    (K + 1,)
    heights  (K,), of which the tallest is 1
    """

    sides: Floats
    heights: Floats


def histograms(
    subject: Subject, rows: pd.DataFrame, quantity: str, most_layers: int, with_theory: bool
) -> Histograms:
    """Return all panels of a subject; `rows` are those of one probed step of each run.

    with_theory  whether the step is the one before training, of which theory speaks
    """
    layers, levels = some_layers(rows, most_layers), subject.levels("columns")
    panels = {}
    for level in levels:
        cell = subject.where(rows, columns=level)
        theory = predicted_std(subject, cell, quantity) if with_theory else None
        for layer in layers:
            own = cell[cell["layer"] == layer]
            if len(own):
                expected = None if theory is None else float(theory[layer - 1])
                panels[layer, level] = _panel(own, expected)
    names = ("zero",) if quantity == "weight_gradient" else _SHARES
    shares = tuple(
        name for name in names if any(panel.shares[name] >= 0.001 for panel in panels.values())
    )
    is_bound = quantity == "activation" and all(
        subject.setting("model.activation", "columns", level) in _BOUNDED for level in levels
    )
    return Histograms(layers, tuple(levels), panels, shares, shared_axis(panels.values(), is_bound))


def _panel(rows: pd.DataFrame, theory: float | None) -> Panel:
    finite = rows[np.isfinite(rows["std"])]
    counts = [
        (int(k), np.asarray(histogram, dtype=np.float64))
        for histogram, k in zip(finite["histogram"], finite["exponent"], strict=True)
        if np.any(histogram[1:-1])
    ]
    shares = {name: float(finite[name].median()) for name in _SHARES}
    return Panel(counts, float(finite["std"].median()), shares, theory)


def shared_axis(panels: Iterable[Panel], is_bound: bool = False) -> Axis | None:
    """Return the axis on which all panels stand, None where none has anything to show.

    Linear where every panel's spread can be seen on it, or where values are bounded: only what
    has collapsed is a stroke there. Else logarithmic.
    """
    shown = [panel for panel in panels if panel.counts]
    if not shown:
        return None
    spreads = [panel.std for panel in shown if panel.std > 0]
    is_wide = len(spreads) > 1 and max(spreads) > _MOST_ON_LINEAR * min(spreads)
    if is_wide and not is_bound:
        low = min(_reach(panel, 0.03) for panel in shown)
        high = max(_reach(panel, 0.999) for panel in shown)
        return Axis(True, 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)))
    limit = round_up(max(_reach(panel, 0.995) for panel in shown))
    limit = min(limit, 1.0) if is_bound else limit
    one_sided = all(not np.any(c[: BINS // 2]) for panel in shown for _, c in panel.counts)
    return Axis(False, 0.0 if one_sided else -limit, limit, is_bound)


def bars(panel: Panel, axis: Axis) -> Bars | None:
    """Return a panel's bars on an axis; None where none of its values is in sight."""
    if not panel.counts:
        return None
    sides, below = axis.sides(), _smaller if axis.is_log else _below
    heights = np.diff(np.sum([below(sides, *counted) for counted in panel.counts], axis=0))
    if axis.is_bound:  # a saturated unit is exactly 1, the left edge of the next bin
        beyond = (c[1:-1].sum() - _below(sides[-1:], k, c)[0] for k, c in panel.counts)
        heights[-1] += sum(beyond)
    if not heights.max() > 0:
        return None
    seen = np.flatnonzero(heights > 0.002 * heights.max())
    first, last = seen[0], seen[-1] + 1
    return Bars(sides[first : last + 1], heights[first:last] / heights.max())


def _below(x: Floats, exponent: int, counts: Floats) -> Floats:
    """Return how many values lie below each x; within a bin they count as evenly spread."""
    reached = np.append(0.0, np.cumsum(counts[1:-1]))
    return np.asarray(np.interp(x, edges(exponent), reached))


def _smaller(x: Floats, exponent: int, counts: Floats) -> Floats:
    """Return how many magnitudes are smaller than each x > 0.

    Within a bin they count as evenly spread, but for the first, which spans all the decades below:
    there their number follows the power of x, at most the first, that continues the second bin.
    """
    inner = counts[1:-1]
    folded = inner[INNER // 2 :] + inner[: INNER // 2][::-1]
    border, reached = edges(exponent)[INNER // 2 :], np.append(0.0, np.cumsum(folded))
    first = reached[1]
    if first == 0:
        return np.asarray(np.interp(x, border, reached))
    power = min(1.0, max(0.25, folded[1] / first))
    lowest = first * np.minimum(x / border[1], 1.0) ** power
    return np.asarray(np.where(x < border[1], lowest, np.interp(x, border, reached)))


def _reach(panel: Panel, share: float) -> float:
    """Return the magnitude that a share of the panel's values does not exceed."""
    ks = [k for k, _ in panel.counts]
    x = np.geomspace(2.0 ** (min(ks) - 20), 2.0 ** max(ks), 2000)
    reached = np.sum([_smaller(x, *counted) for counted in panel.counts], axis=0)
    return float(np.interp(share * reached[-1], reached, x))


def round_up(value: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= 0.999 * value)
