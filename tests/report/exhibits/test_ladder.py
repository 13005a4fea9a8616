"""Levels one below the other: means, t intervals, and differences of pairs that both converged."""

import numpy as np
import pytest
from frames_for_tests import MISSING, NC, factor, make_runs, make_study
from scipy import stats
from small_frames import drawings, frames, subject_of

from ablate.report.context import Context
from ablate.report.exhibits.ladder import rungs
from ablate.study.items import ITEMS

LEVELS = ("base", "wide", "lost", "deep")
VALUES = {
    ("base",): [0.90, 0.92, 0.94, 0.96],
    ("wide",): [0.91, NC, 0.96, 0.98],
    ("lost",): [NC, NC, NC, NC],
    ("deep",): [MISSING, 0.95, 0.98, 0.99],
}
SHOWN = {"base": [90, 92, 94, 96], "wide": [91, 96, 98], "deep": [95, 98, 99]}


def context(kind: str = "ladder", **options: str) -> Context:
    item = ITEMS[kind](**options)
    study = make_study(factor("part", LEVELS), replicates=4, report=[item])
    return Context(item, study, frames(make_runs(study, VALUES)))


def test_a_rung_is_paired_with_the_one_above_or_with_the_first() -> None:
    subject = subject_of(context(), "rows")
    above = rungs(subject, "test/accuracy", 100, to_first=False)
    first = rungs(subject, "test/accuracy", 100, to_first=True)
    assert [rung.level for rung in above] == list(LEVELS)
    assert [rung.cell.not_converged for rung in above] == [0, 1, 4, 0]
    for rung in above:
        assert rung.cell.values == pytest.approx(tuple(SHOWN.get(rung.level, ())))
    differences = [rung.difference for rung in above]
    assert differences[0] is None
    assert [d.values for d in differences[1:]] == [pytest.approx((1, 2, 2)), (), ()]
    assert first[3].difference.values == pytest.approx((3, 4, 3))
    paired = stats.ttest_rel([95, 98, 99], [92, 94, 96]).confidence_interval(0.95)
    assert first[3].difference.mean == pytest.approx((paired.low + paired.high) / 2)
    assert first[3].difference.half_width == pytest.approx((paired.high - paired.low) / 2)


def test_what_is_drawn_are_the_means_with_their_intervals() -> None:
    (drawing,) = drawings(context())
    (axis,) = drawing.figure.axes
    names = [tick.get_text() for tick in axis.get_yticklabels()]
    assert names == list(LEVELS)
    drawn = {}
    for line, _, (bars,) in axis.containers:
        ((x,), (row,)), (segment,) = line.get_data(), bars.get_segments()
        assert (segment[:, 1] == row).all()
        drawn[names[int(row)]] = x, *segment[:, 0]
    assert list(drawn) == list(SHOWN)
    for level, values in SHOWN.items():
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert drawn[level] == pytest.approx((np.mean(values), low, high))
    dots = [line.get_xydata() for line in axis.lines if line.get_marker() == "."]
    expected = [(v, row) for row, level in enumerate(LEVELS) for v in SHOWN.get(level, ())]
    np.testing.assert_allclose(np.vstack(dots), expected)
    assert axis.get_xlabel() == "test accuracy (%)"


@pytest.mark.parametrize(
    ("kind", "options", "heading", "written"),
    [
        ("ladder", {}, "difference to the one above", ["", "+1.7 ± 1.4  1 n/c", "no pair  4 n/c", "no pair"]),
        ("ladder", {"against": "first"}, "difference to the first",
         ["", "+1.7 ± 1.4  1 n/c", "no pair  4 n/c", "+3.3 ± 1.4"]),
        ("leave_one_out", {}, "difference to base",
         ["", "+1.7 ± 1.4  1 n/c", "no pair  4 n/c", "+3.3 ± 1.4"]),
    ],
)  # fmt: skip
def test_differences_are_written_beside_their_level(kind, options, heading, written) -> None:
    (drawing,) = drawings(context(kind, **options))
    *beside, above = drawing.figure.axes[0].texts
    assert above.get_text() == heading
    assert [(text.xy[1], text.get_text()) for text in beside] == list(enumerate(written))
