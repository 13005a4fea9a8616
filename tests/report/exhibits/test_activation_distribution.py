"""Histograms of activations and gradients: what is merged, what is printed, and the bars drawn."""

import numpy as np
import pytest
from artists import strokes
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from pydantic import ValidationError
from small_frames import (
    counts,
    drawings,
    frames,
    layer_rows,
    present,
    runs,
    status,
    study,
    subject_of,
)

from ablate.config.validate import run_config
from ablate.lessons.signal import theory
from ablate.report.context import Context
from ablate.report.exhibits.activation_distribution import theory_marks
from ablate.report.figures.histograms import Axis, Panel, bars, histograms, shared_axis
from ablate.report.figures.select import at_step
from ablate.study.items import ITEMS

CONFIG = run_config({
    "data": {"name": "mnist"}, "init": {"name": "he"}, "optimizer": {"name": "sgd"},
    "model": {"name": "mlp", "depth": 2, "width": 50},
})  # fmt: skip
#: By replicate, so that a median is neither the mean nor the middle of the range.
STDS, ZEROS = (0.1, 0.2, 0.3, 0.9), (0.1, 0.2, 0.4, 0.9)


def context(kind: str = "activation_distribution", signed: bool = False, **options) -> Context:
    """Two layers; the bins of replicate 3 are twice as wide, all of B/y is exactly zero."""
    layers = []
    for cell, replicate, keys in present():
        nothing = cell == ("B", "y")
        broken = not nothing and status(cell, replicate) == "diverged"
        std = 0.0 if nothing else np.nan if broken else STDS[replicate]
        wide = replicate == 3
        # Right of zero 4 in the first bin and 2 in the third; of the wide ones 5 in the second.
        bins = {} if nothing or broken else {1: 5} if wide else {0: 4, 2: 2}
        if signed:
            bins = {**bins, **{-1 - place: count for place, count in bins.items()}}
        shares = {"zero": 1.0 if nothing else ZEROS[replicate], "dead": 0.25, "saturated": 0.5}
        more = {**shares, "exponent": int(wide), "histogram": counts(bins)}
        layers += layer_rows(keys, "activation", [std, 2 * std], **more)
        layers += layer_rows(keys, "activation_gradient", [7 * std, 5 * std], **more)
        layers += layer_rows(keys, "weight_gradient", [3 * std, 4 * std], **more)
        layers += layer_rows(keys, "activation", [8 * std, 8 * std], step=9, **more)
    item = ITEMS[kind](columns="two", **options)
    made = study(item, {"x": {"model.activation": "tanh"}, "y": {"model.activation": "relu"}})
    return Context(item, made, frames(runs({}), layers=layers), {"Ax": CONFIG})


def shown(context: Context, quantity: str = "activation"):
    subject = subject_of(context, "columns")
    layers = subject.frames.layers[subject.frames.layers["quantity"] == quantity]
    rows = at_step(subject.joined(layers), context.item.step)
    return histograms(subject, rows, quantity, 5, context.item.step == "first")


def bars_of(axis: Axes) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return heights, the tallest 1, and edges of each panel of a column, from the top."""
    drawn = [patch.get_data() for patch in axis.patches if isinstance(patch, StepPatch)]
    heights = [data.values - data.baseline for data in drawn]
    return [(h / h.max(), data.edges) for h, data in zip(heights, drawn, strict=True)]


def test_replicates_are_merged_bin_by_bin_and_their_statistics_are_medians() -> None:
    found = shown(context())
    assert (found.layers, found.levels) == ((1, 2), ("x", "y"))
    assert found.shares == ("zero", "dead", "saturated")
    assert shown(context("weight_gradient_distribution"), "weight_gradient").shares == ("zero",)
    x, y = found.panels[1, "x"], found.panels[1, "y"]
    # Each replicate in its own bins.
    assert [k for k, _ in x.counts] == [0, 0, 0, 1]
    narrow, wide = counts({0: 4, 2: 2}), counts({1: 5})
    assert [c.tolist() for _, c in x.counts] == [*[narrow.tolist()] * 3, wide.tolist()]
    assert (x.std, x.shares["zero"]) == pytest.approx((0.25, 0.3))
    # The fourth replicate of A/y is n/c: neither its bins nor its statistics are there.
    assert [(k, c.tolist()) for k, c in y.counts] == [(0, narrow.tolist())] * 3
    assert (y.std, y.shares["zero"]) == pytest.approx((0.2, 0.2))
    assert found.panels[2, "x"].std == pytest.approx(0.5)


def test_theory_is_absolute_and_for_gradients_from_the_measured_last_layer() -> None:
    predicted = theory(CONFIG)
    panels = shown(context()).panels
    assert panels[2, "x"].theory == pytest.approx(predicted.activation_std[1])
    assert panels[2, "y"].theory is None
    gradients = shown(context("gradient_distribution"), "activation_gradient").panels
    assert gradients[1, "x"].theory == pytest.approx(predicted.gradient_std[0] * 5 * 0.25)
    assert gradients[2, "x"].theory == pytest.approx(5 * 0.25)
    weights = shown(context("weight_gradient_distribution"), "weight_gradient").panels
    assert weights[1, "x"].theory is None
    assert weights[2, "x"].std == pytest.approx(4 * 0.25)
    assert shown(context(step="last")).panels[1, "x"].theory is None


def panel(bins: dict[int, float], exponent: int = 0, std: float = 0.1) -> Panel:
    return Panel([(exponent, counts(bins).astype(float))] if bins else [], std, {}, None)


def test_panels_share_one_linear_axis_up_to_a_round_limit() -> None:
    # Bins are 1/64 wide: the values end at 3/64 = 0.047 and 6/32 = 0.19; next is 0.2.
    narrow, wide = panel({0: 12, 2: 6}), panel({0: 1, 5: 1}, exponent=1)
    axis = shared_axis([narrow, wide])
    assert axis == Axis(False, 0.0, pytest.approx(0.2))
    assert shared_axis([narrow, panel({-1: 3})]).low == pytest.approx(-0.05)
    # One value in a thousand does not widen it, one in ten does.
    assert shared_axis([panel({0: 999, 40: 1})]).high == pytest.approx(0.02)
    assert shared_axis([panel({0: 900, 40: 100})]).high == 1
    assert shared_axis([panel({})]) is None


def test_spreads_that_no_linear_axis_shows_stand_on_a_logarithmic_one() -> None:
    small, large = panel({0: 1, 1: 1}, exponent=-40, std=1e-14), panel({3: 2}, std=0.05)
    axis = shared_axis([small, large])
    # Powers of ten around 3 % of the smallest and all of the largest.
    assert (axis.is_log, axis.low, axis.high) == (True, pytest.approx(1e-16), pytest.approx(0.1))
    # What is bounded keeps its linear axis: a collapse is a stroke at zero there.
    assert shared_axis([small, large], is_bound=True) == Axis(False, 0.0, pytest.approx(0.1), True)


def test_bars_hold_the_mass_of_the_histogram_and_the_tallest_is_one() -> None:
    axis = Axis(False, -1.0, 1.0)
    found = bars(panel({0: 12, 2: 6, -1: 3}), axis)
    widths = np.diff(found.sides)
    assert widths == pytest.approx(np.full(len(widths), 2 / 81))
    assert found.heights.max() == 1
    right = found.heights[found.sides[:-1] > 0].sum() / found.heights.sum()
    # Of 21 values 18 lie right of zero; of 12 that are spread over 1/64 the middle bar takes 79 %.
    assert right == pytest.approx((18 - 12 * 64 / 81) / 21)
    assert bars(panel({}), axis) is None


def test_magnitudes_of_both_signs_are_one_bar_on_a_log_axis() -> None:
    axis = Axis(True, 1e-3, 1.0)
    both, right = bars(panel({7: 2, -8: 2}), axis), bars(panel({7: 4}), axis)
    assert both.heights == pytest.approx(right.heights)
    assert both.sides == pytest.approx(right.sides)
    ratio = both.sides[1:] / both.sides[:-1]
    assert ratio == pytest.approx(np.full(len(ratio), 1000 ** (1 / 81)))
    # All of it between the edges of the eighth bin, but for the bars that they cut.
    assert 7 / 64 / ratio[0] < both.sides[0] < both.sides[-1] < 8 / 64 * ratio[0]


def test_a_hundredfold_smaller_layer_is_a_narrower_stroke_on_the_shared_axis() -> None:
    wide, narrow = panel({0: 5, 30: 5}), panel({0: 5, 30: 5}, exponent=-7)
    axis = shared_axis([wide, narrow])
    assert len(bars(narrow, axis).heights) == 1
    assert len(bars(wide, axis).heights) > 70


def test_bars_add_up_the_replicates_in_their_own_bins() -> None:
    axis = Axis(False, -1.0, 1.0)
    (narrow,), (wide,) = panel({3: 8}).counts, panel({3: 8}, exponent=3).counts
    found = bars(Panel([narrow, wide], 0.1, {}, None), axis)
    # Eight values from 3/8 to 4/8, and eight from 3/64 to 4/64, of which the bar that ends at 5/81
    # has most.
    middles = (found.sides[1:] + found.sides[:-1]) / 2
    assert found.heights[(middles > 3.2 / 8) & (middles < 3.8 / 8)] == pytest.approx(
        (2 / 81) * 8 / (64 * (5 / 81 - 3 / 64))
    )
    assert 3 / 64 - 2 / 81 < middles[np.argmax(found.heights)] < 4 / 64 + 2 / 81


def test_the_first_bin_has_no_cliff_on_a_log_axis() -> None:
    """Of a heavy tail it holds most values: spread evenly they would be a peak at its edge."""
    axis = Axis(True, 1e-6, 1.0)
    found = bars(panel({0: 100, 1: 40, 2: 25, 3: 18, 5: 20, 9: 20}), axis)
    at = int(np.searchsorted(found.sides, 1 / 64))
    assert found.heights[at - 2] == pytest.approx(found.heights[at + 1], rel=0.4)
    # All hundred are still below the edge, whatever decade they are spread over.
    below = found.heights[found.sides[1:] <= 1 / 64].sum() / found.heights.sum()
    assert below == pytest.approx(100 / 223, abs=0.04)


def test_what_saturates_at_the_bound_stands_in_the_last_bar() -> None:
    # Exponent 1: bins are 1/32 wide, the 32nd begins at 1.
    axis = Axis(False, -1.0, 1.0, is_bound=True)
    found = bars(panel({10: 6, 32: 6}, exponent=1), axis)
    assert found.sides[-1] == 1
    assert found.heights[-1] == 1
    assert bars(panel({10: 6, 32: 6}, exponent=1), Axis(False, -1.0, 1.0)).sides[-1] < 0.5


def test_what_is_drawn_are_these_numbers() -> None:
    made = context()
    first, second = drawings(made)
    assert [one.name for one in (first, second)] == [
        "activation_distribution-A", "activation_distribution-B",
    ]  # fmt: skip
    expected = shown(made)
    axes = first.figure.axes
    assert [axis.get_title() for axis in axes] == ["x", "y"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["layer 1", "layer 2"]
    assert expected.axis == Axis(False, 0.0, pytest.approx(0.1))
    for level, axis in zip("xy", axes, strict=True):
        assert axis.get_xlim() == pytest.approx((0, 0.1))
        for layer, (heights, sides) in enumerate(bars_of(axis), start=1):
            values = bars(expected.panels[layer, level], expected.axis)
            assert heights == pytest.approx(values.heights)
            assert sides == pytest.approx(values.sides)
        floors = [patch.get_data().baseline for patch in axis.patches]
        assert floors == sorted(floors, reverse=True)  # layers stand below each other
    assert [axis.texts[0].get_text() for axis in axes] == [
        "std 0.25\nzero 30 %\ndead 25 %\nsat. 50 %", "std 0.20\nzero 20 %\ndead 25 %\nsat. 50 %",
    ]  # fmt: skip
    assert "1 of 8 runs did not converge" in first.caption
    assert "all panels on one axis" in first.caption
    nothing = second.figure.axes[1]
    assert nothing.texts[0].get_text() == "all exactly zero"
    assert not nothing.patches


def test_theory_is_marked_where_it_is_in_sight_and_hides_nothing() -> None:
    linear, log = Axis(False, -1.0, 1.0), Axis(True, 1e-6, 1.0)
    assert theory_marks(0.5, linear) == [-0.5, 0.5]
    assert theory_marks(0.5, Axis(False, 0.0, 1.0)) == [0.5]
    assert theory_marks(0.01, linear) == theory_marks(2.0, linear) == theory_marks(2.0, log) == []
    assert theory_marks(1e-5, log) == [1e-5]
    made = context("gradient_distribution", signed=True)
    made.frames.layers["exponent"] += 6  # so that the prediction lies within the limit
    drawing = drawings(made)[0]
    assert "dashed: standard deviation predicted for infinite width" in drawing.caption
    expected = shown(made, "activation_gradient").panels[1, "x"].theory
    assert strokes(drawing.figure.axes[0], "black")[:2] == pytest.approx([-expected, expected])


def test_the_step_that_the_item_names_is_drawn_and_captioned() -> None:
    drawing = drawings(context(step="last"))[0]
    assert drawing.figure.axes[0].texts[0].get_text().startswith("std 2.0")
    assert drawing.caption.startswith("Activations after the last step")
    assert "dashed" not in drawing.caption
    assert drawings(context())[0].caption.startswith("Activations before the first step")
    with pytest.raises(ValidationError, match="first"):
        ITEMS["activation_distribution"](step="lst")


def test_more_levels_than_a_page_holds_are_several_pages() -> None:
    from ablate.report.figures.layers import pages_of

    levels = [f"{number}" for number in range(7)]
    pages = dict(pages_of("it", levels, 6))
    assert pages == {"it-1": ["0", "1", "2", "3"], "it-2": ["4", "5", "6"]}
    assert [name for name, _ in pages_of("it", levels[:6], 6)] == ["it"]
