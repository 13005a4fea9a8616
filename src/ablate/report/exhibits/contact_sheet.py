"""Images before and after augmentation, in rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import DATA_NAMES
from ablate.report.figures.style import SMALL, TWO_COLUMNS, style, text_width
from ablate.report.images import NAME as IMAGES

_SIDE = 0.42  # inches of an image
_GAP = 0.03


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the images that lie beside the report: a row per level, the same originals in each.

    Raises ReportError where there are none.
    """
    assert context.directory is not None
    if not (context.directory / IMAGES).is_file():
        raise ReportError("the data has no images, or none lie beside the report.")
    name = str(context.study.baseline.get("data"))
    yield draw(pd.read_parquet(context.directory / IMAGES), DATA_NAMES.get(name, name))


def draw(images: pd.DataFrame, data_name: str) -> Drawing:
    """Draw images, a row per level; see `ablate.report.images`."""
    levels = list(dict.fromkeys(images["level"]))
    count = int(images["position"].max()) + 1
    left = 0.15 + max(text_width(level) for level in levels)
    width = min(TWO_COLUMNS, left + count * (_SIDE + _GAP) + 0.05)
    margins = Margins(left=left, right=0.05, top=0.05, bottom=0.05, across=_GAP, down=_GAP)
    with style():
        figure, axes = page(len(levels), count, width, _SIDE, margins)
        for row, level in enumerate(levels):
            shown = images[images["level"] == level].sort_values("position")
            for position, image in enumerate(shown.to_dict("records")):
                axis: Axes = axes[row, position]
                _show(axis, image)
            axes[row, 0].text(
                -0.12, 0.5, level, transform=axes[row, 0].transAxes, ha="right", va="center",
                fontsize=SMALL,
            )  # fmt: skip
    caption = (
        f"Training images of {data_name} as each level of the study might show them to the "
        "network; the same originals in every row."
    )
    return Drawing("contact_sheet", caption, figure)


def _show(axis: Axes, image: dict[str, object]) -> None:
    shape = (image["channels"], image["height"], image["width"])
    pixels = np.frombuffer(image["pixels"], dtype=np.uint8).reshape(shape)  # type: ignore[call-overload]
    picture = pixels[0] if shape[0] == 1 else pixels.transpose(1, 2, 0)
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_axis_off()
