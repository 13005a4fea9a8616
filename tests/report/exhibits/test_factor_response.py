"""A response over levels: means, t intervals and n/c runs, as numbers and on the page."""

import numpy as np
import pytest
from artists import intervals, legend_of, markers
from matplotlib.axes import Axes
from scipy import stats
from small_frames import drawings, frames, runs, study, subject_of

from ablate.report.context import Context
from ablate.report.exhibits import factor_response
from ablate.report.exhibits.factor_response import response
from ablate.report.figures.sample import CellSample
from ablate.study.items import ITEMS

ACCURACY = {
    ("A", "x"): [0.90, 0.92, 0.94, 0.98], ("A", "y"): [0.80, 0.84, 0.85, 0.5],
    ("B", "x"): [0.1, 0.70, 0.73, 0.74], ("B", "y"): [0.5] * 4,
}  # fmt: skip
#: In percent, of the replicates that converged.
SHOWN = {
    ("A", "x"): [90, 92, 94, 98], ("A", "y"): [80, 84, 85], ("B", "x"): [70, 73, 74],
}  # fmt: skip


def context(x: float = 1.0, y: float = 10.0) -> Context:
    item = ITEMS["factor_response"](x="two", lines="one")
    levels = {"x": {"two": x}, "y": {"two": y}}
    made = runs({"test/accuracy": ACCURACY})
    # A run that made no progress was trained to the end, and has a value.
    made.loc[made["status"] == "diverged", "test/accuracy"] = 0.1
    return Context(item, study(item, levels), frames(made))


def interval(values: list[float]) -> tuple[float, float, float]:
    mean = float(np.mean(values))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return mean, low, high


def test_a_cell_has_its_replicates_that_converged_and_counts_the_others() -> None:
    shown = response(subject_of(context(), "x", "lines"), "test/accuracy", 100)
    assert (shown.axis, shown.places) == ("log", (1, 10))
    assert list(shown.lines) == ["A", "B"]
    for (one, two), values in SHOWN.items():
        cell = shown.lines[one]["xy".index(two)]
        mean, low, high = interval(values)
        assert cell.values == pytest.approx(values)
        assert cell.mean == pytest.approx(mean)
        assert cell.half_width == pytest.approx((high - low) / 2)
    counts = {
        (one, two): (cell.not_converged, cell.runs)
        for one, cells in shown.lines.items()
        for two, cell in zip("xy", cells, strict=True)
    }
    assert counts == {
        ("A", "x"): (0, 4), ("A", "y"): (1, 4), ("B", "x"): (0, 3), ("B", "y"): (4, 4),
    }  # fmt: skip
    assert shown.lines["B"][1].values == ()


def test_no_interval_of_one_value_and_half_is_not_most() -> None:
    assert CellSample((3.0,), 0, 1).half_width is None
    assert CellSample((3.0, 4.0, 5.0), 1, 4).most_converged
    assert not CellSample((3.0, 4.0), 2, 4).most_converged
    assert not CellSample((), 0, 0).most_converged


def test_what_is_drawn_are_the_means_with_their_intervals() -> None:
    (drawing,) = drawings(context())
    axis, strip = drawing.figure.axes
    assert [tick.get_text() for tick in strip.get_xticklabels()] == ["x", "y"]
    ink = legend_of(drawing.figure)
    assert list(ink) == ["A", "B"]
    assert axis.get_xscale() == "log"
    # Lines stand 6 % of a step left and right of the levels' places.
    beside = {"A": 10**-0.06, "B": 10**0.06}
    for one in "AB":
        cells = [(place, two) for place, two in ((1, "x"), (10, "y")) if (one, two) in SHOWN]
        expected = [[place * beside[one], *interval(SHOWN[one, two])] for place, two in cells]
        np.testing.assert_allclose(intervals(axis, ink[one]), expected)
        values = [[place * beside[one], v] for place, two in cells for v in SHOWN[one, two]]
        np.testing.assert_allclose(markers(axis, ink[one], "."), values)
    assert strip_of(strip) == {
        (1, "n/c A"): "0", (10, "n/c A"): "1/4", (1, "n/c B"): "0", (10, "n/c B"): "4/4",
    }  # fmt: skip
    assert [text.get_text() for text in strip.texts if text.get_fontweight() == "bold"] == ["4/4"]
    assert axis.get_ylabel() == "test accuracy (%)"
    assert drawing.caption.startswith("Test accuracy against second, MNIST, 3 to 4 replicates")
    assert "5 of 15 runs did not converge (n/c)" in drawing.caption


def test_of_very_many_runs_the_range_is_drawn_in_place_of_dots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (dotted,) = drawings(context())
    count = sum(map(len, SHOWN.values()))
    monkeypatch.setattr(factor_response, "_MOST_DOTS", count - 1)
    (thin,) = drawings(context())
    assert dotted.caption.replace("Dots: ", "Thin strokes: the range of ") == thin.caption
    axis = thin.figure.axes[0]
    assert not any(line.get_marker() == "." for line in axis.lines)
    strokes = [c for c in axis.collections if c.get_linewidth()[0] == 0.4]
    drawn = [tuple(path[:, 1]) for one in strokes for path in one.get_segments()]
    expected = [(min(values), max(values)) for values in SHOWN.values()]
    np.testing.assert_allclose(drawn, expected)
    for ink in legend_of(thin.figure).values():
        before, after = (intervals(one.figure.axes[0], ink) for one in (dotted, thin))
        np.testing.assert_array_equal(before, after)


def strip_of(axis: Axes) -> dict[tuple[float, str], str]:
    """Return what is written below each level, by its place and the name of its row."""
    names = dict(
        zip(axis.get_yticks(), (t.get_text() for t in axis.get_yticklabels()), strict=True)
    )
    places = {text: text.get_position() for text in axis.texts}
    return {(x, names[y]): text.get_text() for text, (x, y) in places.items()}


def test_zero_stands_apart_on_a_log_axis_and_no_line_leads_there() -> None:
    zero = context(x=0.0)
    shown = response(subject_of(zero, "x", "lines"), "test/accuracy", 100)
    assert (shown.zero_apart, shown.places) == (True, (1, 10))
    (drawing,) = drawings(zero)
    ink = legend_of(drawing.figure)
    first = [bars for bars in drawing.figure.axes[0].containers if bars[0].get_color() == ink["A"]]
    assert [len(bars[0].get_xdata()) for bars in first] == [1, 1]
    ticks = [tick.get_text() for tick in drawing.figure.axes[-1].get_xticklabels()]
    assert ticks == ["x", "y"]
