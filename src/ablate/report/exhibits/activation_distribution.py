"""Small multiples of histograms on one axis: layers down, levels across."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.ticker import FixedLocator, NullLocator

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.histograms import Axis, Histograms, Panel, bars, histograms
from ablate.report.figures.layers import pages_of, probed
from ablate.report.figures.select import Subject, at_step, subjects
from ablate.report.figures.style import NEUTRAL, number, percent, plain, text_width, wrapped
from ablate.report.sizes import Style
from ablate.report.wording import listed
from ablate.study.items import Distribution

#: More panels than this across or down are too small to read at print size.
_ACROSS, _DOWN = 6, 5
#: Inches of a panel's bars, and of each line printed above them.
_BAR, _LINE = 0.36, 0.118
_MARGINS = Margins(left=0.42, right=0.1, top=0.36, across=0.1, down=0.06)
#: What is read of the frame of layers: rows are chosen panel by panel, of every column.
_READ = ("cell", "replicate", "step", "layer", "std", "exponent", "histogram", "zero", "dead",
         "saturated")  # fmt: skip
#: What is shown: as the axis calls it, and as the caption does.
_NOUNS = {
    "activation": ("activation", "Activations"),
    "activation_gradient": (
        "gradient with respect to the activation", "Gradients of the activations",
    ),
    "weight_gradient": ("gradient with respect to the weight", "Gradients of the weights"),
}  # fmt: skip
#: A share as a panel prints it, and as the caption explains it.
_SHARES = {
    "zero": ("zero", "exact zeros"),
    "dead": ("dead", "dead units (zero on every example)"),
    "saturated": ("sat.", "saturated activations (sat.)"),
}


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw where the forward signal dies, explodes or saturates."""
    return distribution(context, "activation")


def distribution(context: Context, quantity: str) -> Iterator[Drawing]:
    """Draw histograms of what the probe saw of `quantity`: layers down, levels across."""
    style, item = context.style, context.item
    assert isinstance(item, Distribution)
    across, down = style.columns(_ACROSS, 1.3), style.fitting(_DOWN, _BAR + 3 * _LINE)
    layers = probed(context, _READ, quantity=[quantity])
    layers = layers[layers["histogram"].notna()]
    for subject in subjects(context, "columns"):
        rows = at_step(subject.joined(layers), item.step)
        if len(rows):
            shown = histograms(subject, rows, quantity, down, item.step == "first")
            caption = _caption(subject, quantity, shown)
            for name, levels in pages_of(subject.name, shown.levels, across):
                yield Drawing(name, caption, _draw(shown, levels, _NOUNS[quantity][0], style))


def _draw(shown: Histograms, levels: Sequence[str], noun: str, style: Style) -> Figure:
    """Draw a column of panels per level: one axes each, in which layers stand on each other.

    Axes of their own for every panel take ten times as long.
    """
    count, lines = len(shown.layers), 1 + len(shown.shares)
    height = count * (_BAR + lines * _LINE) + (count - 1) * _MARGINS.down
    width = style.two_columns
    figure, axes = page(style, [height], len(levels), width, _MARGINS)
    inches = axes[0, 0].get_position().height * figure.get_figheight()
    panel = (inches - (count - 1) * _MARGINS.down) / count
    printed = lines * _LINE * style.small / 7
    tallest = max(panel - printed, 0.3 * panel)
    bases = [(count - 1 - i) * (panel + _MARGINS.down) for i in range(count)]
    places = [] if shown.axis is None else ticks(shown.axis, _panel_width(levels, width), style)
    for axis, level in zip(axes[0], levels, strict=True):
        axis.set_title(wrapped(level, _panel_width(levels, width)), y=1.0)
        axis.set_ylim(0, inches)
        _set_axes(axis, shown.axis, places, bases, panel)
        for layer, base in zip(shown.layers, bases, strict=True):
            if (layer, level) in shown.panels:
                _draw_panel(axis, shown.panels[layer, level], shown, (base, panel, tallest), style)
    names = [f"layer {layer}" for layer in shown.layers]
    centres = [base + panel / 2 for base in bases]
    axes[0, 0].set_yticks(centres, names, rotation=90, va="center", fontsize=style.text)
    if shown.axis is not None:
        noun = f"magnitude of {noun}" if shown.axis.is_log else noun
    figure.supxlabel(noun, fontsize=style.text, y=0.06 / figure.get_figheight(), va="bottom")
    return figure


def _panel_width(levels: Sequence[str], width: float) -> float:
    return _MARGINS.panel_width(width, len(levels))


def _set_axes(
    axis: Axes, scale: Axis | None, places: Sequence[float], bases: Sequence[float], panel: float
) -> None:
    """Set what all columns have in common: the scale, its ticks, a floor below every panel."""
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", pad=1.5, length=2)
    axis.yaxis.set_major_locator(NullLocator())
    axis.hlines(
        bases, 0, 1, transform=axis.get_yaxis_transform(), color=NEUTRAL, lw=0.6, clip_on=False
    )
    if scale is None:
        axis.xaxis.set_major_locator(NullLocator())
        return
    if scale.is_log:
        axis.set_xscale("log")
    axis.set_xlim(scale.low, scale.high)
    axis.xaxis.set_major_locator(FixedLocator(places))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda value, _: plain(value))
    for label, place in zip(axis.get_xticklabels(), places, strict=False):
        if place in (scale.low, scale.high):  # so that it ends where its panel does
            label.set_horizontalalignment("left" if place == scale.low else "right")
    for base in bases:
        _strokes(axis, places, (base, base + panel), color="#d5d5d5", lw=0.5, zorder=0)


def _strokes(axis: Axes, places: Sequence[float], ends: tuple[float, float], **ink: Any) -> None:
    """Draw vertical lines; matplotlib's own would each time look for the limits, which are set."""
    lines = [[(place, end) for end in ends] for place in places]
    axis.add_collection(LineCollection(lines, **ink), autolim=False)


def ticks(scale: Axis, width: float, style: Style) -> list[float]:
    """Return few places of the axis that all panels have, as many as have room in `width`."""
    if scale.is_log:
        return decades(scale, width, style)
    return [scale.low, scale.high] if scale.low == 0 else [scale.low, 0.0, scale.high]


def decades(scale: Axis, width: float, style: Style) -> list[float]:
    """Return every decade of a logarithmic axis, every second, or as few as have room."""
    low, high = (round(math.log10(end)) for end in (scale.low, scale.high))
    for step in range(1, high - low + 1):
        places = [10.0**power for power in range(low - low % -step, high + 1, step)]
        widest = max(text_width(plain(place), style.small) for place in places)
        if len(places) * 1.35 * widest <= width:
            break
    return places


def _draw_panel(
    axis: Axes, panel: Panel, page: Histograms, place: tuple[float, float, float], style: Style
) -> None:
    """Draw a panel in a column.

    place  its floor, its height and that of its tallest bar, in inches from the column's floor
    """
    base, height, tallest = place
    across = axis.get_yaxis_transform()
    shown = None if page.axis is None else bars(panel, page.axis)
    if shown is None:
        nothing = "all exactly zero" if math.isfinite(panel.std) else "not finite"
        middle = base + 0.35 * height
        axis.text(0.5, middle, nothing, transform=across, ha="center", fontsize=style.small)
        return
    heights = base + tallest * shown.heights
    # No `stairs`, which would look for the limits, see `_strokes`.
    axis.add_artist(StepPatch(heights, shown.sides, baseline=base, fc="#0173b2", alpha=0.75, lw=0))
    assert page.axis is not None
    if panel.theory is not None:
        marks = theory_marks(panel.theory, page.axis)
        top = base + min(1.08 * tallest, height)
        _strokes(axis, marks, (base, top), color="black", lw=0.8, linestyles=(0, (3, 1.5)))
    lines = [f"std {number(panel.std)}"]
    lines += [
        f"{_SHARES[name][0]} {percent(panel.shares[name])}"
        for name in page.shares
        if panel.shares[name] > 0
    ]
    axis.text(
        0.98, base + height, "\n".join(lines), transform=across, ha="right", va="top",
        fontsize=style.small, linespacing=1.05,
    )  # fmt: skip


def theory_marks(std: float, axis: Axis) -> list[float]:
    """Return where a predicted std is marked: nowhere outside the axis, or where it hides a stroke.

    A distribution that has collapsed is a stroke at zero on a linear axis.
    """
    if axis.is_bound and axis.low == 0:
        return []  # of a sigmoid, around a mean that is not zero
    if axis.is_log:
        return [std] if axis.low <= std <= axis.high else []
    if not 0.02 * axis.high < std <= axis.high:
        return []
    return [std] if axis.low == 0 else [-std, std]


def _caption(subject: Subject, quantity: str, shown: Histograms) -> str:
    item = subject.item
    assert isinstance(item, Distribution)
    when = "before the first step" if item.step == "first" else "after the last step"
    shares = [_SHARES[name][1] for name in shown.shares]
    is_log = shown.axis is not None and shown.axis.is_log
    what = "magnitudes" if is_log else "values"
    axis = "logarithmic axis" if is_log else "axis"
    parts = [
        f"Histograms of the {what} other than zero, replicates merged, all panels on one {axis} "
        "and each scaled to its own peak",
        "printed: median over replicates of the standard deviation"
        + (f" and, where they are not 0, of the shares of {listed(shares)}" if shares else ""),
    ]
    stds = [panel.theory for panel in shown.panels.values() if panel.theory is not None]
    if shown.axis is not None and any(theory_marks(std, shown.axis) for std in stds):
        start = "" if quantity == "activation" else ", from the measured last layer down"
        parts.append(f"dashed: standard deviation predicted for infinite width{start}")
    return subject.caption(f"{_NOUNS[quantity][1]} {when}", "; ".join(parts) + ".")
