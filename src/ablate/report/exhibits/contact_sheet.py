"""Images before and after augmentation, in rows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.layers import pages_of
from ablate.report.figures.select import DATA_NAMES
from ablate.report.figures.style import text_width
from ablate.report.images import NAME as IMAGES
from ablate.report.sizes import Style

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
    caption = (
        f"Training images of {DATA_NAMES.get(name, name)} as each level of the study might show "
        "them to the network; the same originals in every row."
    )
    rows = pictures(pd.read_parquet(context.directory / IMAGES))
    most = context.style.fitting(len(rows), _SIDE, besides=0.1)
    for file, levels in pages_of("contact_sheet", list(rows), most):
        shown = {level: rows[level] for level in levels}
        yield Drawing(file, caption, _draw(shown, context.style))


def pictures(images: pd.DataFrame) -> dict[str, list[np.ndarray]]:
    """Return the images of each level, (H, W) or (H, W, C) uint8; see `ablate.report.images`."""
    rows: dict[str, list[np.ndarray]] = {level: [] for level in images["level"]}
    for image in images.sort_values("position").to_dict("records"):
        shape = (image["channels"], image["height"], image["width"])
        pixels = np.frombuffer(image["pixels"], dtype=np.uint8).reshape(shape)
        rows[image["level"]].append(pixels[0] if shape[0] == 1 else pixels.transpose(1, 2, 0))
    return rows


def _draw(rows: Mapping[str, Sequence[np.ndarray]], style: Style) -> Figure:
    count = max(map(len, rows.values()))
    left = 0.15 + max(text_width(level, style.small) for level in rows)
    width = style.two_columns
    if style.height is None:
        width = min(width, left + count * (_SIDE + _GAP) + 0.05)
    margins = Margins(left=left, right=0.05, top=0.05, bottom=0.05, across=_GAP, down=_GAP)
    figure, axes = page(style, [_SIDE] * len(rows), count, width, margins)
    for row, (level, shown) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(row, shown, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set_axis_off()
        row[0].text(
            -0.12, 0.5, level, transform=row[0].transAxes, ha="right", va="center",
            fontsize=style.small,
        )  # fmt: skip
    return figure
