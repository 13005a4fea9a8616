"""Small multiples of the weights at the end of training: layers down, levels across."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from ablate.metrics import WEIGHT
from ablate.probe.histogram import edges
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, page
from ablate.report.figures.histograms import round_up
from ablate.report.figures.layers import Floats, pages_of, probed
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, percent, plain, wrapped
from ablate.report.sizes import Style

#: More panels than this across are too narrow at print size; bars across each.
_ACROSS, _BARS = 6, 41
_HEIGHT = 0.95  # inches of a panel
_MARGINS = Margins(left=0.84, right=0.1, top=0.2, across=0.1, down=0.12)
_LINE = 0.13  # of a title, inches
_OTHERS, _ZEROS = "#0173b2", "#de8f05"
#: Of an axis of shares: room for one weight of a hundred thousand, and for what is printed above.
_LOWEST, _HIGHEST = 1e-5, 20.0


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one layer at one level, over all its replicates.

    counts  of those other than zero, of each replicate: exponent and counts (130,)
    zero    share that is exactly zero
    """

    counts: Sequence[tuple[int, Floats]]
    zero: float

    @property
    def reach(self) -> float:
        """The largest magnitude there may be: the upper side of the last bin that has any."""
        found = [0.0]
        for k, counted in self.counts:
            seen = np.flatnonzero(counted[1:-1])
            found += [abs(edges(k)[place + side]) for place in seen[[0, -1]] for side in (0, 1)]
        return float(max(found))

    def shares(self, sides: Floats) -> Floats:
        """Return the share of all weights between each two of `sides`; zeros are not among them."""
        below = [
            np.interp(sides, edges(k), np.append(0.0, np.cumsum(counted[1:-1])))
            for k, counted in self.counts
        ]
        total = sum(float(counted.sum()) for _, counted in self.counts)
        if not total:
            return np.zeros(len(sides) - 1)
        return np.asarray(np.diff(np.sum(below, axis=0)) * (1 - self.zero) / total)


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw what is left of the weights: how large they are, and how many are exactly zero."""
    layers = probed(context, quantity=[WEIGHT])
    layers = layers[layers["histogram"].notna()]
    most = context.style.columns(_ACROSS, 1.2)
    for subject in subjects(context, "columns"):
        rows = subject.joined(layers)
        if len(rows):
            shown, names = weights(subject, rows)
            for name, levels in pages_of(subject.name, subject.levels("columns"), most):
                yield subject.drawing(
                    _draw(subject, shown, names, levels),
                    "Weights after training, by layer",
                    "Bars: share of a layer's weights, replicates together, on a logarithmic "
                    f"scale, {_BARS} bars across an axis that all panels have; stroke: those that "
                    "are exactly zero, which no bar counts; printed: their share.",
                    name,
                )


def weights(
    subject: Subject, rows: pd.DataFrame
) -> tuple[dict[tuple[int, str], Weights], dict[int, str]]:
    """Return the weights by layer and level, and the name of each layer."""
    found = {}
    names = {int(n): str(name) for n, name in zip(rows["layer"], rows["layer_name"], strict=True)}
    for level in subject.levels("columns"):
        cell = subject.where(rows, columns=level)
        for layer in names:
            own = cell[cell["layer"] == layer]
            counts = [
                (int(k), np.asarray(counted, dtype=np.float64))
                for k, counted in zip(own["exponent"], own["histogram"], strict=True)
                if np.any(counted)
            ]
            if len(own):
                found[layer, level] = Weights(counts, float(own["zero"].mean()))
    return found, dict(sorted(names.items()))


def _draw(
    subject: Subject, shown: Mapping[tuple[int, str], Weights], names: Mapping[int, str],
    levels: Sequence[str],
) -> Figure:  # fmt: skip
    style = subject.style
    factor = subject.roles["columns"]
    handles = [
        Patch(color=_OTHERS, label="other than zero"),
        Line2D([], [], color=_ZEROS, marker="o", ms=3, lw=1.4, label="exactly zero"),
    ]
    width = style.two_columns
    if style.height is None:
        width = min(width, _MARGINS.left + _MARGINS.right + 1.6 * len(levels))
    panel = _MARGINS.panel_width(width, len(levels))
    titles = [wrapped(level, panel) for level in levels]
    lines = max(title.count("\n") for title in titles)
    figure, axes = page(
        style, [_HEIGHT] * len(names), len(levels), width,
        replace(_MARGINS, top=_MARGINS.top + lines * _LINE),
        Legend(factor.label if factor else "", handles, style), sharex=True, sharey=True,
    )  # fmt: skip
    limit = round_up(max((one.reach for one in shown.values()), default=0.0) or 1.0)
    for column, level, title in zip(axes.T, levels, titles, strict=True):
        column[0].set_title(title, y=1.0)
        for axis, layer in zip(column, names, strict=True):
            if (layer, level) in shown:
                _draw_panel(axis, shown[layer, level], limit, style)
    for axis, name in zip(axes[:, 0], names.values(), strict=True):
        axis.set_ylabel(_called(name), fontsize=style.text)
    _set_axes(axes[0, 0], limit)
    figure.supxlabel("weight", fontsize=style.text, y=0.06 / figure.get_figheight(), va="bottom")
    figure.supylabel("share of the layer's weights", fontsize=style.text, x=0.05 / width, ha="left")
    return figure


def _called(name: str) -> str:
    """Return `layer1` as `layer 1`; other names as they are."""
    return name.replace("layer", "layer ", 1) if name.startswith("layer") else name


def _set_axes(axis: Axes, limit: float) -> None:
    """Set what all panels share."""
    axis.set_yscale("log")
    axis.set_ylim(_LOWEST, _HIGHEST)
    axis.yaxis.set_major_locator(FixedLocator([1e-4, 1e-2, 1]))
    axis.yaxis.set_major_formatter(lambda value, _: f"{plain(100 * value)} %")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlim(-limit, limit)
    axis.xaxis.set_major_locator(FixedLocator([-limit / 2, 0, limit / 2]))
    axis.xaxis.set_major_formatter(lambda value, _: plain(value))


def _draw_panel(axis: Axes, shown: Weights, limit: float, style: Style) -> None:
    sides = np.linspace(-limit, limit, _BARS + 1)
    bars = shown.shares(sides)
    axis.add_artist(StepPatch(np.maximum(bars, _LOWEST), sides, baseline=_LOWEST, fc=_OTHERS, lw=0))
    if shown.zero > 0:
        axis.plot([0, 0], [_LOWEST, shown.zero], color=_ZEROS, lw=1.4, zorder=3)
        axis.plot([0], [shown.zero], color=_ZEROS, marker="o", ms=3, zorder=3)
        text, ink = f"{percent(shown.zero)} zero", "#a66b04"
    else:
        text, ink = "none zero", NEUTRAL
    axis.text(
        0.98, 0.97, text, transform=axis.transAxes, ha="right", va="top", fontsize=style.small,
        color=ink,
    )  # fmt: skip
