"""What each pixel of the input is worth to the first layer: an image per level."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.layers import Floats, pages_of
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import text_width, wrapped
from ablate.report.sizes import Style
from ablate.study.items import InputPixels

#: Images side by side at most, inches of one, and of the scale beside them with its numbers.
_ACROSS, _SIDE, _BAR, _NUMBERS = 7, 0.8, 0.09, 0.56
#: Dark is nothing: perceptually even, and told apart without any one colour.
_COLORS = "cividis"
_WHAT = {
    "nonzero": ("weights other\nthan zero (%)", "Share of each pixel's weights in the first layer "
                "that are not exactly zero"),
    "norm": ("norm of the\nweights", "Norm of each pixel's weights in the first layer"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pixels:
    """What a figure shows.

    images  (H, W) by level of `rows` and of `columns`, over the replicates of the cell
    most    at the bright end of the scale that all have; the dark end is 0
    """

    images: Mapping[tuple[str, str], Floats]
    most: float


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw which pixels the first layer still looks at.

    Raises ReportError where no run has counted any.
    """
    item, style = context.item, context.style
    assert isinstance(item, InputPixels)
    if context.frames.pixels.empty:
        raise ReportError("no run has weights of pixels in its first layer.")
    label, what = _WHAT[item.shows]
    for subject in subjects(context, "columns", "rows"):
        rows = subject.joined(context.frames.pixels)
        if rows.empty:
            continue
        shown = pixels(subject, rows, item.shows)
        most = style.columns(_ACROSS, _SIDE)
        name = f"{subject.name}-norm" if item.shows == "norm" else subject.name
        for file, levels in pages_of(name, subject.levels("columns"), most):
            yield subject.drawing(
                _draw(subject, shown, levels, label), what,
                "Of the networks of a cell together; dark is nothing, one scale for all.", file,
            )  # fmt: skip


def pixels(subject: Subject, rows: pd.DataFrame, shows: str) -> Pixels:
    """Return the images of a subject.

    Of a cell: the share of weights other than zero, percent, or the root of the mean over networks
    of the squared norm; of several channels all weights of a place count.
    """
    images = {}
    for down in subject.levels("rows"):
        for across in subject.levels("columns"):
            own = subject.where(rows, columns=across, rows=down)
            if len(own):
                images[down, across] = _image(own, shows)
    most = max(float(image.max()) for image in images.values())
    return Pixels(images, 100.0 if shows == "nonzero" else most or 1.0)


def _image(rows: pd.DataFrame, shows: str) -> Floats:
    first = rows.iloc[0]
    shape = int(first["channels"]), int(first["height"]), int(first["width"])
    networks = int(rows["networks"].sum())
    column = "zeros" if shows == "nonzero" else "squares"
    total = np.sum([np.asarray(one, dtype=np.float64) for one in rows[column]], axis=0)
    total = total.reshape(shape).sum(axis=0)
    if shows == "norm":
        return np.asarray(np.sqrt(total / networks))
    return np.asarray(100 * (1 - total / (networks * shape[0] * int(first["units"]))))


def _draw(subject: Subject, shown: Pixels, levels: Sequence[str], label: str) -> Figure:
    style, down = subject.style, subject.levels("rows")
    factor = subject.roles["columns"]
    label_of_columns = factor.label if factor else ""
    left = 0.15 + max(text_width(text, style.small) for text in (*down, label_of_columns))
    margins = Margins(left, _BAR + _NUMBERS + 0.12, 0.07, 0.06, across=0.06, down=0.06)
    width = style.two_columns
    if style.height is None:
        around = margins.left + margins.right + margins.across * (len(levels) - 1)
        width = min(width, around + _SIDE * len(levels))
    side = margins.panel_width(width, len(levels))
    titles = [wrapped(level, side) for level in levels]
    above = 0.13 * max(title.count("\n") + 1 for title in titles)
    figure, axes = page(
        style, [side] * len(down), len(levels), width, replace(margins, top=margins.top + above)
    )
    scale = Normalize(0, shown.most)
    for row, of in zip(axes, down, strict=True):
        for axis, level in zip(row, levels, strict=True):
            axis.set_axis_off()
            if (of, level) in shown.images:
                axis.imshow(
                    shown.images[of, level], cmap=_COLORS, norm=scale, interpolation="nearest"
                )
        _beside(row[0], of, 0.5, style)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, y=1.0)
    _beside(axes[0, 0], label_of_columns, 1.0, style)
    top, bottom = axes[0, 0].get_position().y1, axes[-1, 0].get_position().y0
    beside = figure.add_axes(
        (1 - (_BAR + _NUMBERS) / width, bottom, _BAR / width, top - bottom), label="scale"
    )
    bar = figure.colorbar(ScalarMappable(scale, _COLORS), cax=beside)
    bar.outline.set_linewidth(0.4)
    beside.set_ylabel(label, fontsize=style.small)
    return figure


def _beside(axis: Axes, text: str, place: float, style: Style) -> None:
    """Write left of an image, in the middle, or on the line of the titles above it."""
    axis.annotate(
        text, (0, place), (-5, 0 if place < 1 else 3), xycoords="axes fraction",
        textcoords="offset points", ha="right", va="center" if place < 1 else "baseline",
        fontsize=style.small, annotation_clip=False,
    )  # fmt: skip
