"""The contact sheet: the images that lie beside the report, in their order."""

from pathlib import Path

import numpy as np
import pandas as pd
from small_frames import drawings, frames, runs, study

from ablate.report.context import Context
from ablate.report.exhibits.contact_sheet import pictures
from ablate.report.images import NAME
from ablate.study.items import ITEMS

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (2, 3, 1, 5, 4), dtype=np.uint8)  # level, position, channel, H, W
COLOR = RNG.integers(0, 256, (2, 3, 3, 5, 4), dtype=np.uint8)


def images(stored: np.ndarray) -> pd.DataFrame:
    """Return the rows of the file, each level's images in turned order."""
    rows = [
        {"level": level, "position": position, "channels": image.shape[0], "height": 5, "width": 4,
         "pixels": image.tobytes()}
        for level, shown in zip(("none", "shift"), stored, strict=True)
        for position, image in reversed(list(enumerate(shown)))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_images_are_sorted_and_have_their_channels_last() -> None:
    grey = pictures(images(GREY))
    assert list(grey) == ["none", "shift"]
    assert np.array_equal(grey["shift"], GREY[1, :, 0])
    assert np.array_equal(pictures(images(COLOR))["none"], COLOR[0].transpose(0, 2, 3, 1))


def test_what_is_drawn_are_these_images(tmp_path: Path) -> None:
    images(COLOR).to_parquet(tmp_path / NAME)
    item = ITEMS["contact_sheet"](rows="one")
    (drawing,) = drawings(Context(item, study(item), frames(runs({})), directory=tmp_path))
    axes = np.reshape(drawing.figure.axes, (2, 3))
    for row, name, stored in zip(axes, ("none", "shift"), COLOR, strict=True):
        assert [text.get_text() for text in row[0].texts] == [name]
        for axis, expected in zip(row, stored, strict=True):
            (image,) = axis.images
            assert np.array_equal(image.get_array(), expected.transpose(1, 2, 0))
            assert image.get_clim() == (0, 255)
    assert drawing.caption.startswith("Training images of MNIST")
