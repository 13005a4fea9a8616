"""Small multiples of histograms: layers down, levels across."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from ablate.probe.histogram import coarsen, edges
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import (
    NEUTRAL,
    SMALL,
    TEXT,
    TWO_COLUMNS,
    number,
    percent,
    plain,
    wrapped,
)
from ablate.report.figures.theory import std_by_layer
from ablate.study.items import ActivationDistribution, GradientDistribution
from ablate.study.schema import Level

#: More panels than this across or down are too small to read at print size.
_ACROSS, _DOWN = 6, 5
#: Share of a panel's height kept free for its printed statistics.
_HEADROOM = 0.47
_BOUNDED = ("sigmoid", "tanh")
_MARGINS = Margins(left=0.42, right=0.1, top=0.36, bottom=0.38, across=0.1, down=0.2)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Panel:
    """One layer at one level, merged over replicates; `std` and shares are medians."""

    counts: Floats
    exponent: int
    std: float
    shares: dict[str, float]
    theory: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw where the forward signal dies, explodes or saturates."""
    return distribution(context, "activation")


def distribution(context: Context, quantity: str) -> Iterator[Drawing]:
    """Draw histograms of what the probe saw of `quantity`: layers down, levels across."""
    item = context.item
    assert isinstance(item, ActivationDistribution | GradientDistribution)
    step = item.step
    layers = context.frames.layers
    layers = layers[(layers["quantity"] == quantity) & layers["histogram"].notna()]
    for subject in subjects(context, "columns"):
        rows = at_step(subject.joined(layers), step)
        levels = subject.levels("columns")
        parts = math.ceil(len(levels) / _ACROSS)
        size = math.ceil(len(levels) / parts)
        for part in range(parts):
            shown = levels[part * size : (part + 1) * size]
            name = subject.name + (f"-{part + 1}" if parts > 1 else "")
            if len(rows):
                yield _draw(subject, name, rows, shown, quantity, step)


def _draw(
    subject: Subject,
    name: str,
    rows: pd.DataFrame,
    levels: Sequence[Level],
    quantity: str,
    step: str,
) -> Drawing:
    depth = int(rows["layer"].max())
    layers = sorted({round(x) for x in np.linspace(1, depth, min(_DOWN, depth))})
    panels = {
        (layer, level.name): _panel(cell[cell["layer"] == layer], layer, theory)
        for level in levels
        for cell in [subject.where(rows, columns=level)]
        for theory in [_theory(subject, cell, quantity, step)]
        for layer in layers
        if (cell["layer"] == layer).any()
    }
    keys = ["saturated"] if _bounded(subject, levels) and quantity == "activation" else []
    if any(panel.shares["zero"] > 0.001 for panel in panels.values()):
        keys = ["zero", "dead", *keys]
    one_sided = all(panel.counts[: len(panel.counts) // 2].sum() == 0 for panel in panels.values())
    figure, axes = page(len(layers), len(levels), TWO_COLUMNS, 0.82, _MARGINS)
    width = (TWO_COLUMNS - 0.5) / len(levels) - 0.1
    for row, layer in enumerate(layers):
        for axis, level in zip(axes[row], levels, strict=True):
            _frame(axis)
            if row == 0:
                axis.set_title(wrapped(level.name, width, TEXT), y=1.0)
            if (layer, level.name) in panels:
                bound = 1.0 if _bounded(subject, [level]) and quantity == "activation" else None
                _histogram(axis, panels[layer, level.name], keys, one_sided, bound)
            else:
                axis.set_xticks([])
        axes[row, 0].set_ylabel(f"layer {layer}")
    noun = "activation" if quantity == "activation" else "gradient with respect to the activation"
    figure.supxlabel(noun, fontsize=TEXT, y=0.06 / figure.get_figheight(), va="bottom")
    return Drawing(name, _caption(subject, quantity, step, panels, keys), figure)


def _theory(subject: Subject, cell: pd.DataFrame, quantity: str, step: str) -> Floats | None:
    """Return the predicted std of each layer; gradients start from the measured last layer."""
    if step != "first" or cell.empty:
        return None
    theory = std_by_layer(subject.configs.get(cell["cell"].iloc[0]), quantity)
    if theory is None or quantity == "activation":
        return theory
    return theory * float(cell.loc[cell["layer"] == cell["layer"].max(), "std"].median())


def _panel(cell: pd.DataFrame, layer: int, theory: Floats | None) -> _Panel:
    finite = cell[np.isfinite(cell["std"])]
    exponent = int(finite["exponent"].max()) if len(finite) else 0
    counts = np.zeros(130)
    for histogram, k in zip(finite["histogram"], finite["exponent"], strict=True):
        counts += coarsen(np.asarray(histogram, dtype=np.float64), exponent - int(k))
    shares = {key: float(finite[key].median()) for key in ("zero", "dead", "saturated")}
    expected = float(theory[layer - 1]) if theory is not None else None
    return _Panel(counts, exponent, float(finite["std"].median()), shares, expected)


def _histogram(
    axis: Axes, panel: _Panel, keys: Sequence[str], one_sided: bool, bound: float | None
) -> None:
    inner, border = panel.counts[1:-1].copy(), edges(panel.exponent)
    if panel.counts.sum() == 0:
        axis.set_xticks([])
        nothing = "all exactly zero" if math.isfinite(panel.std) else "not finite"
        axis.text(0.5, 0.35, nothing, transform=axis.transAxes, ha="center", fontsize=SMALL)
    else:
        limit = _limit(inner, border, bound)
        visible = (border[:-1] >= (0 if one_sided else -limit)) & (border[1:] <= limit)
        heights = inner[visible]
        if bound is not None:  # a saturated unit is exactly 1, the left edge of the next bin
            heights[-1] += inner[border[:-1] >= limit].sum()
        sides = np.append(border[:-1][visible], border[1:][visible][-1])
        axis.stairs(heights / heights.max(), sides, fill=True, color="#0173b2", alpha=0.75, lw=0)
        axis.set_xlim(-0.02 * limit if one_sided else -1.02 * limit, 1.02 * limit)
        ticks = [0.0, limit] if one_sided else [-limit, 0.0, limit]
        axis.set_xticks(ticks, ["0" if t == 0 else plain(t) for t in ticks])
        for label, tick in zip(axis.get_xticklabels(), ticks, strict=True):
            label.set_horizontalalignment("left" if tick == ticks[0] else
                                          "right" if tick > 0 else "center")  # fmt: skip
        if panel.theory is not None and panel.theory < limit:
            marks = [panel.theory] if one_sided else [-panel.theory, panel.theory]
            top = 1 / (1 - _HEADROOM) * 0.55
            axis.vlines(marks, 0, top, color="black", lw=0.8, linestyles=(0, (3, 1.5)))
    axis.set_ylim(0, 1 / (1 - _HEADROOM))
    lines = [f"std {number(panel.std)}"] if math.isfinite(panel.std) else []
    words = {"zero": "zero", "dead": "dead", "saturated": "sat."}
    lines += [f"{words[key]} {percent(panel.shares[key])}" for key in keys]
    axis.text(
        0.98, 1.0, "\n".join(lines), transform=axis.transAxes, ha="right", va="top",
        fontsize=SMALL, linespacing=1.05,
    )  # fmt: skip


def _limit(inner: Floats, border: Floats, bound: float | None) -> float:
    """Return a round bound (1, 2 or 5 times a power of ten) around 99.5 % of the values."""
    distance = np.maximum(np.abs(border[:-1]), np.abs(border[1:]))
    order = np.argsort(distance, kind="stable")
    mass = np.cumsum(inner[order]) / inner.sum()
    reach = float(distance[order][np.searchsorted(mass, 0.995)])
    power = 10.0 ** math.floor(math.log10(reach))
    limit = next(step * power for step in (1, 2, 5, 10) if step * power >= 0.999 * reach)
    return limit if bound is None else min(limit, bound)


def _frame(axis: Axes) -> None:
    axis.spines["left"].set_visible(False)
    axis.set_yticks([])
    axis.tick_params(axis="x", pad=1.5)
    axis.spines["bottom"].set_color(NEUTRAL)


def _bounded(subject: Subject, levels: Sequence[Level]) -> bool:
    """Tell whether the activation at all of `levels` lies in [-1, 1]."""
    at = [subject.setting("model.activation", {"columns": level}) for level in levels]
    return all(activation in _BOUNDED for activation in at)


def _caption(
    subject: Subject,
    quantity: str,
    step: str,
    panels: Mapping[tuple[int, str], _Panel],
    keys: Sequence[str],
) -> str:
    what = "Activations" if quantity == "activation" else "Gradients of the activations"
    when = "before the first step" if step == "first" else "after the last step"
    parts = [
        "Histograms of the values other than zero, replicates merged, each panel scaled to its own "
        "range and peak",
        "printed: median over replicates of the standard deviation"
        + (" and of the shares of " + _shares(keys) if keys else ""),
    ]
    if any(panel.theory is not None for panel in panels.values()):
        start = "" if quantity == "activation" else ", from the measured last layer down"
        parts.append(f"dashed: standard deviation predicted for infinite width{start}")
    return subject.caption(f"{what} {when}", "; ".join(parts) + ".")


def _shares(keys: Sequence[str]) -> str:
    words = {"zero": "exact zeros", "dead": "dead units (zero on every example)",
             "saturated": "saturated activations (sat.)"}  # fmt: skip
    shown = [words[key] for key in keys]
    return ", ".join(shown[:-1]) + (" and " if len(shown) > 1 else "") + shown[-1]
