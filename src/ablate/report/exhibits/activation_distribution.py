"""Small multiples of histograms: layers down, levels across."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.probe.histogram import BINS, coarsen, edges
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.layers import Floats, pages_of, predicted_std, some_layers
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import (
    NEUTRAL,
    SMALL,
    TEXT,
    TWO_COLUMNS,
    listed,
    number,
    percent,
    plain,
    wrapped,
)  # fmt: skip
from ablate.study.items import Distribution

#: More panels than this across or down are too small to read at print size.
_ACROSS, _DOWN = 6, 5
#: Share of a panel's height kept free for its printed statistics.
_HEADROOM = 0.47
#: Activations that lie in [-1, 1].
_BOUNDED = ("sigmoid", "tanh")
_MARGINS = Margins(left=0.42, right=0.1, top=0.36, across=0.1, down=0.2)
#: A share as a panel prints it, and as the caption explains it.
_SHARES = {
    "zero": ("zero", "exact zeros"),
    "dead": ("dead", "dead units (zero on every example)"),
    "saturated": ("sat.", "saturated activations (sat.)"),
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One layer at one level, merged over replicates; `std` and shares are medians.

    counts    (130,), of `ablate.probe.histogram`
    exponent  of the counts
    shares    by name: zero, dead, saturated
    theory    predicted std, None where there is none
    bound     that no value exceeds, None where there is none
    """

    counts: Floats
    exponent: int
    std: float
    shares: Mapping[str, float]
    theory: float | None
    bound: float | None


@dataclass(frozen=True, eq=False)
class Histograms:
    """What one page shows.

    panels     by layer and level; a cell without probed runs has none
    shares     which of each panel's shares are printed
    one_sided  whether no value is negative
    """

    layers: tuple[int, ...]
    levels: tuple[str, ...]
    panels: Mapping[tuple[int, str], Panel]
    shares: tuple[str, ...]
    one_sided: bool


@dataclass(frozen=True, eq=False)
class Bars:
    """A panel's bars: sides (K + 1,), heights (K,) of which the tallest is 1, the axis' end."""

    sides: Floats
    heights: Floats
    limit: float


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw where the forward signal dies, explodes or saturates."""
    return distribution(context, "activation")


def distribution(context: Context, quantity: str) -> Iterator[Drawing]:
    """Draw histograms of what the probe saw of `quantity`: layers down, levels across."""
    layers = context.frames.layers
    layers = layers[(layers["quantity"] == quantity) & layers["histogram"].notna()]
    for subject in subjects(context, "columns"):
        rows = at_step(subject.joined(layers), _step(subject))
        for name, levels in pages_of(subject.name, subject.levels("columns"), _ACROSS):
            if len(rows):
                shown = histograms(subject, rows, levels, quantity)
                yield Drawing(name, _caption(subject, quantity, shown), _draw(shown, quantity))


def histograms(
    subject: Subject, rows: pd.DataFrame, levels: Sequence[str], quantity: str
) -> Histograms:
    """Return the panels of one page; `rows` are those of one probed step of each run."""
    layers = some_layers(rows, _DOWN)
    bounded = [
        quantity == "activation"
        and subject.setting("model.activation", "columns", level) in _BOUNDED
        for level in levels
    ]
    panels = {}
    for level, is_bounded in zip(levels, bounded, strict=True):
        cell = subject.where(rows, columns=level)
        is_first = _step(subject) == "first"
        theory = predicted_std(subject, cell, quantity) if is_first else None
        for layer in layers:
            own = cell[cell["layer"] == layer]
            if len(own):
                expected = None if theory is None else float(theory[layer - 1])
                panels[layer, level] = _panel(own, expected, 1.0 if is_bounded else None)
    shares = ("saturated",) if all(bounded) else ()
    if any(panel.shares["zero"] > 0.001 for panel in panels.values()):
        shares = ("zero", "dead", *shares)
    one_sided = all(panel.counts[: BINS // 2].sum() == 0 for panel in panels.values())
    return Histograms(layers, tuple(levels), panels, shares, one_sided)


def _panel(rows: pd.DataFrame, theory: float | None, bound: float | None) -> Panel:
    finite = rows[np.isfinite(rows["std"])]
    exponent = int(finite["exponent"].max()) if len(finite) else 0
    counts = np.zeros(BINS)
    for histogram, k in zip(finite["histogram"], finite["exponent"], strict=True):
        if not len(histogram):  # pooled: it is in that of another replicate, see `report.thin`
            continue
        counts += coarsen(np.asarray(histogram, dtype=np.float64), exponent - int(k))
    shares = {name: float(finite[name].median()) for name in _SHARES}
    return Panel(counts, exponent, float(finite["std"].median()), shares, theory, bound)


def bars(panel: Panel, one_sided: bool) -> Bars | None:
    """Return the bars within a round limit; None where no value is other than zero and finite."""
    if panel.counts.sum() == 0:
        return None
    inner, border = panel.counts[1:-1], edges(panel.exponent)
    limit = _limit(inner, border, panel.bound)
    visible = (border[:-1] >= (0 if one_sided else -limit)) & (border[1:] <= limit)
    heights = inner[visible]
    if panel.bound is not None:  # a saturated unit is exactly 1, the left edge of the next bin
        heights[-1] += inner[border[:-1] >= limit].sum()
    sides = np.append(border[:-1][visible], border[1:][visible][-1])
    return Bars(sides, heights / heights.max(), limit)


def _limit(inner: Floats, border: Floats, bound: float | None) -> float:
    """Return a round bound (1, 2 or 5 times a power of ten) around 99.5 % of the values."""
    distance = np.maximum(np.abs(border[:-1]), np.abs(border[1:]))
    order = np.argsort(distance, kind="stable")
    mass = np.cumsum(inner[order]) / inner.sum()
    reach = float(distance[order][np.searchsorted(mass, 0.995)])
    power = 10.0 ** math.floor(math.log10(reach))
    limit = next(step * power for step in (1, 2, 5, 10) if step * power >= 0.999 * reach)
    return limit if bound is None else min(limit, bound)


def _step(subject: Subject) -> str:
    assert isinstance(subject.item, Distribution)
    return subject.item.step


def _draw(shown: Histograms, quantity: str) -> Figure:
    across = len(shown.levels)
    figure, axes = page([0.82] * len(shown.layers), across, TWO_COLUMNS, _MARGINS)
    width = (TWO_COLUMNS - 0.5) / across - 0.1
    for axis, level in zip(axes[0], shown.levels, strict=True):
        axis.set_title(wrapped(level, width), y=1.0)
    for row, layer in zip(axes, shown.layers, strict=True):
        row[0].set_ylabel(f"layer {layer}")
        for axis, level in zip(row, shown.levels, strict=True):
            axis.spines["left"].set_visible(False)
            axis.spines["bottom"].set_color(NEUTRAL)
            axis.set(xticks=[], yticks=[])
            axis.tick_params(axis="x", pad=1.5)
            if (layer, level) in shown.panels:
                _draw_panel(axis, shown.panels[layer, level], shown)
    noun = "activation" if quantity == "activation" else "gradient with respect to the activation"
    figure.supxlabel(noun, fontsize=TEXT, y=0.06 / figure.get_figheight(), va="bottom")
    return figure


def _draw_panel(axis: Axes, panel: Panel, page: Histograms) -> None:
    shown = bars(panel, page.one_sided)
    if shown is None:
        nothing = "all exactly zero" if math.isfinite(panel.std) else "not finite"
        axis.text(0.5, 0.35, nothing, transform=axis.transAxes, ha="center", fontsize=SMALL)
    else:
        _draw_bars(axis, shown, page.one_sided)
        if panel.theory is not None and panel.theory < shown.limit:
            marks = [panel.theory] if page.one_sided else [-panel.theory, panel.theory]
            top = 1 / (1 - _HEADROOM) * 0.55
            axis.vlines(marks, 0, top, color="black", lw=0.8, linestyles=(0, (3, 1.5)))
    axis.set_ylim(0, 1 / (1 - _HEADROOM))
    lines = [f"std {number(panel.std)}"] if math.isfinite(panel.std) else []
    lines += [f"{_SHARES[name][0]} {percent(panel.shares[name])}" for name in page.shares]
    axis.text(
        0.98, 1.0, "\n".join(lines), transform=axis.transAxes, ha="right", va="top",
        fontsize=SMALL, linespacing=1.05,
    )  # fmt: skip


def _draw_bars(axis: Axes, shown: Bars, one_sided: bool) -> None:
    limit = shown.limit
    axis.stairs(shown.heights, shown.sides, fill=True, color="#0173b2", alpha=0.75, lw=0)
    axis.set_xlim(-0.02 * limit if one_sided else -1.02 * limit, 1.02 * limit)
    ticks = [0.0, limit] if one_sided else [-limit, 0.0, limit]
    axis.set_xticks(ticks, [plain(tick) for tick in ticks])
    first, *_, last = axis.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _caption(subject: Subject, quantity: str, shown: Histograms) -> str:
    what = "Activations" if quantity == "activation" else "Gradients of the activations"
    when = "before the first step" if _step(subject) == "first" else "after the last step"
    shares = [_SHARES[name][1] for name in shown.shares]
    parts = [
        "Histograms of the values other than zero, replicates merged, each panel scaled to its own "
        "range and peak",
        "printed: median over replicates of the standard deviation"
        + (f" and of the shares of {listed(shares)}" if shares else ""),
    ]
    if any(panel.theory is not None for panel in shown.panels.values()):
        start = "" if quantity == "activation" else ", from the measured last layer down"
        parts.append(f"dashed: standard deviation predicted for infinite width{start}")
    return subject.caption(f"{what} {when}", "; ".join(parts) + ".")
