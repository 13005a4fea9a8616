"""Pixels of the input: shares and norms of their weights, over the networks of a cell."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_frames import drawings, frames, present, runs, study, subject_of

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.exhibits.input_pixels import pixels
from ablate.report.thin import _pooled_pixels
from ablate.study.items import ITEMS

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_figures import overlapping

UNITS, SHAPE = 10, (1, 2, 3)


def context(channels: int = 1, **options) -> Context:
    """Replicate r has r of the first pixel's ten weights at zero, B all of them; others none."""
    rows = []
    for cell, replicate, keys in present():
        zeros = np.zeros((channels, *SHAPE[1:]), dtype=np.int64)
        zeros[0, 0, 0] = UNITS if cell[0] == "B" else replicate
        squares = np.full(zeros.shape, 4.0)
        squares[0, 0, 0] = 0.0 if cell[0] == "B" else replicate
        rows.append({
            **keys, "networks": 1, "units": UNITS, "channels": channels, "height": SHAPE[1],
            "width": SHAPE[2], "zeros": zeros.ravel(), "squares": squares.ravel(),
        })  # fmt: skip
    item = ITEMS["input_pixels"](columns="two", rows="one", **options)
    return Context(item, study(item), frames(runs({}), pixels=rows))


def shown(context: Context):
    subject = subject_of(context, "columns", "rows")
    return pixels(subject, subject.joined(context.frames.pixels), context.item.shows)


def test_the_share_that_is_not_zero_is_of_all_networks_of_a_cell() -> None:
    found = shown(context())
    assert found.most == 100
    # 0 + 1 + 2 + 3 of 40 weights are zero.
    np.testing.assert_allclose(found.images["A", "x"], [[85, 100, 100], [100, 100, 100]])
    np.testing.assert_allclose(found.images["B", "y"], [[0, 100, 100], [100, 100, 100]])


def test_the_norm_is_the_root_of_the_mean_square() -> None:
    found = shown(context(shows="norm"))
    assert found.most == 2
    assert found.images["A", "x"][0, 0] == pytest.approx(np.sqrt((0 + 1 + 2 + 3) / 4))
    assert found.images["B", "x"][0, 0] == 0


def test_all_channels_of_a_place_count() -> None:
    image = shown(context(channels=2)).images["B", "x"]
    assert image[0, 0] == pytest.approx(50)
    assert image.shape == SHAPE[1:]


def test_a_pooled_row_counts_for_all_its_networks() -> None:
    each = context()
    pooled = replace(each, frames=replace(each.frames, pixels=_pooled_pixels(each.frames.pixels)))
    assert len(pooled.frames.pixels) == 4 < len(each.frames.pixels)
    for shows in ("nonzero", "norm"):
        item = each.item.model_copy(update={"shows": shows})
        first, second = (shown(replace(one, item=item)).images for one in (each, pooled))
        for place in first:
            # Squares are kept to 20 bits.
            np.testing.assert_allclose(second[place], first[place], rtol=2.0**-20)


def test_what_is_drawn() -> None:
    (drawing,) = drawings(context())
    images = [axis for axis in drawing.figure.axes if axis.images]
    assert [axis.get_title() for axis in images[:2]] == ["x", "y"]
    assert [axis.texts[0].get_text() for axis in images[::2]] == ["A", "B"]
    found = shown(context())
    for axis, place in zip(images, (("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")), strict=True):
        (image,) = axis.images
        np.testing.assert_allclose(image.get_array(), found.images[place])
        assert image.get_clim() == (0, 100)
    assert drawing.name == "input_pixels"
    assert overlapping(drawing.figure) == []
    assert [one.name for one in drawings(context(shows="norm"))] == ["input_pixels-norm"]


def test_without_any_pixels_the_report_says_so() -> None:
    found = context()
    empty = Context(found.item, found.study, frames(runs({})))
    with pytest.raises(ReportError, match="no run has weights of pixels"):
        drawings(empty)
