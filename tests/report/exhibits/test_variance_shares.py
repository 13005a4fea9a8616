"""The drawing of variance shares: deviations with their intervals, shares beside them."""

from dataclasses import replace

import numpy as np
import pytest
from artists import points
from small_frames import drawings
from test_shares import ITEM, SOURCES, frames, study

from ablate.report.context import Context
from ablate.report.exhibits.variance_shares import deviations
from ablate.report.shares import shares


def test_rows_are_deviations_noted_with_their_shares() -> None:
    found = shares(ITEM, study(20), frames(20, lost=2))
    rows = deviations(found)
    assert [row.name for row in rows] == list(SOURCES)
    for row, share in zip(rows, found.rows, strict=True):
        assert (row.value, row.low, row.high) == share.deviation
    assert rows[0].note == "100 %"
    assert rows[1].note == f"{100 * found.rows[1].share[0]:.0f} %"
    assert (rows[3].value, rows[3].note) == (0, "0 %")


def test_a_share_that_nobody_knows_is_a_dash_and_no_interval_is_no_bar() -> None:
    found = shares(ITEM, study(2), frames(2))
    unknown = replace(found.rows[1], share=(float("nan"), None, None))
    rows = deviations(replace(found, rows=(found.rows[0], unknown)))
    assert (rows[0].low, rows[0].high) == (None, None)
    assert rows[1].note == "–"


def test_what_is_drawn_are_these_numbers() -> None:
    made = Context(ITEM, study(8), frames(8, lost=3))
    (drawing,) = drawings(made)
    rows = deviations(shares(ITEM, made.study, made.frames))
    (axis,) = drawing.figure.axes
    assert axis.get_xlabel() == "standard deviation between replicates (points)"
    assert [text.get_text() for text in axis.get_yticklabels()] == list(SOURCES)
    *notes, heading = [text.get_text() for text in axis.texts]
    assert notes == [row.note for row in rows]
    assert heading == "of the variance of all"
    assert axis.get_xlim()[0] == 0
    assert axis.get_ylim() == (3.5, -0.5)
    for place, (row, bar, dot) in enumerate(
        zip(rows, axis.lines[::2], axis.lines[1::2], strict=True)
    ):
        assert points(bar) == pytest.approx(np.array([(row.low, place), (row.high, place)]))
        assert points(dot) == pytest.approx(np.array([(row.value, place)]))
    assert drawing.caption.startswith("Noise of test accuracy by source")
    assert "3 of 64 runs did not converge" in drawing.caption


def test_without_intervals_there_are_dots_alone() -> None:
    (drawing,) = drawings(Context(ITEM, study(2), frames(2)))
    (axis,) = drawing.figure.axes
    # The last source has no noise, so that its interval is known: it is zero.
    assert [len(points(line)) for line in axis.lines] == [1, 1, 1, 2, 1]
