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
from ablate.report.exhibits.activation_distribution import Panel, bars, histograms
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
        layers += layer_rows(keys, "activation", [8 * std, 8 * std], step=9, **more)
    item = ITEMS[kind](columns="two", **options)
    made = study(item, {"x": {"model.activation": "tanh"}, "y": {"model.activation": "relu"}})
    return Context(item, made, frames(runs({}), layers=layers), {"Ax": CONFIG})


def shown(context: Context, quantity: str = "activation"):
    subject = subject_of(context, "columns")
    layers = subject.frames.layers[subject.frames.layers["quantity"] == quantity]
    rows = at_step(subject.joined(layers), context.item.step)
    return histograms(subject, rows, subject.levels("columns"), quantity)


def bars_of(axis: Axes) -> tuple[np.ndarray, np.ndarray]:
    (patch,) = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
    data = patch.get_data()
    return data.values, data.edges


def test_replicates_are_merged_bin_by_bin_and_their_statistics_are_medians() -> None:
    found = shown(context())
    assert (found.layers, found.levels, found.one_sided) == ((1, 2), ("x", "y"), True)
    assert found.shares == ("zero", "dead")
    x, y = found.panels[1, "x"], found.panels[1, "y"]
    # Bins of the widest: three replicates' first and second fall into the first.
    assert x.exponent == 1
    assert x.counts.tolist() == counts({0: 12, 1: 6 + 5}).tolist()
    assert (x.std, x.shares["zero"]) == pytest.approx((0.25, 0.3))
    # The fourth replicate of A/y is n/c: neither its bins nor its statistics are there.
    assert y.exponent == 0
    assert y.counts.tolist() == counts({0: 12, 2: 6}).tolist()
    assert (y.std, y.shares["zero"]) == pytest.approx((0.2, 0.2))
    assert found.panels[2, "x"].std == pytest.approx(0.5)
    assert x.bound == 1.0
    assert y.bound is None


def test_theory_is_absolute_and_for_gradients_from_the_measured_last_layer() -> None:
    predicted = theory(CONFIG)
    panels = shown(context()).panels
    assert panels[2, "x"].theory == pytest.approx(predicted.activation_std[1])
    assert panels[2, "y"].theory is None
    gradients = shown(context("gradient_distribution"), "activation_gradient").panels
    assert gradients[1, "x"].theory == pytest.approx(predicted.gradient_std[0] * 5 * 0.25)
    assert gradients[2, "x"].theory == pytest.approx(5 * 0.25)
    assert gradients[2, "x"].bound is None
    assert shown(context(step="last")).panels[1, "x"].theory is None


def panel(bins: dict[int, float], bound: float | None = None, exponent: int = 0) -> Panel:
    return Panel(counts(bins).astype(float), exponent, 0.1, {}, None, bound)


def test_bars_reach_to_a_round_limit_and_the_tallest_is_one() -> None:
    # Bins are 1/64 wide: the values end at 3/64 = 0.047, the next round number is 0.05.
    found = bars(panel({0: 12, 2: 6}), one_sided=True)
    assert found.limit == pytest.approx(0.05)
    assert found.sides == pytest.approx(np.arange(4) / 64)
    assert found.heights == pytest.approx([1, 0, 0.5])
    both = bars(panel({0: 12, 2: 6, -1: 3}), one_sided=False)
    assert both.sides == pytest.approx(np.arange(-3, 4) / 64)
    assert both.heights == pytest.approx([0, 0, 0.25, 1, 0, 0.5])


def test_one_value_in_a_thousand_does_not_widen_the_axis() -> None:
    assert bars(panel({0: 999, 40: 1}), one_sided=True).limit == pytest.approx(0.02)
    assert bars(panel({0: 900, 40: 100}), one_sided=True).limit == 1


def test_what_saturates_at_the_bound_stands_in_the_last_bar() -> None:
    # Exponent 1: bins are 1/32 wide, the 32nd begins at 1.
    found = bars(panel({31: 6, 32: 6}, bound=1.0, exponent=1), one_sided=True)
    assert found.limit == 1
    assert len(found.heights) == 32
    assert found.heights[-1] == 1
    assert found.heights[:-1].sum() == 0


def test_nothing_but_zeros_has_no_bars() -> None:
    assert bars(panel({}), one_sided=True) is None


def test_what_is_drawn_are_these_numbers() -> None:
    made = context()
    first, second = drawings(made)
    assert [one.name for one in (first, second)] == [
        "activation_distribution-A", "activation_distribution-B",
    ]  # fmt: skip
    expected = shown(made)
    axes = np.reshape(first.figure.axes, (2, 2))
    assert [axis.get_title() for axis in axes[0]] == ["x", "y"]
    assert [row[0].get_ylabel() for row in axes] == ["layer 1", "layer 2"]
    for layer, row in enumerate(axes, start=1):
        for level, axis in zip("xy", row, strict=True):
            heights, sides = bars_of(axis)
            values = bars(expected.panels[layer, level], one_sided=True)
            assert heights == pytest.approx(values.heights)
            assert sides == pytest.approx(values.sides)
            assert axis.get_xlim()[1] == pytest.approx(1.02 * values.limit)
    # Two bins of 1/32 with 12 and 11 values, then room until 0.1; three of 1/64 until 0.05.
    assert bars_of(axes[0, 0])[0] == pytest.approx([1, 11 / 12, 0])
    assert bars_of(axes[0, 0])[1] == pytest.approx(np.arange(4) / 32)
    assert bars_of(axes[0, 1])[0] == pytest.approx([1, 0, 0.5])
    texts = [[axis.texts[0].get_text() for axis in row] for row in axes]
    assert texts[0] == ["std 0.25\nzero 30 %\ndead 25 %", "std 0.20\nzero 20 %\ndead 25 %"]
    assert texts[1] == ["std 0.50\nzero 30 %\ndead 25 %", "std 0.40\nzero 20 %\ndead 25 %"]
    assert "1 of 8 runs did not converge" in first.caption
    nothing = second.figure.axes[1]
    assert nothing.texts[0].get_text() == "all exactly zero"
    assert not nothing.patches


def test_theory_is_drawn_where_it_is_in_sight() -> None:
    made = context("gradient_distribution", signed=True)
    drawing = drawings(made)[0]
    assert "dashed: standard deviation predicted for infinite width" in drawing.caption
    found = shown(made, "activation_gradient")
    expected = found.panels[1, "x"].theory
    assert bars(found.panels[1, "x"], one_sided=False).limit < expected
    # Wider bins, so that the prediction lies within the limit.
    layers = made.frames.layers
    layers["exponent"] += 6
    drawing = drawings(made)[0]
    assert strokes(drawing.figure.axes[0]) == pytest.approx([-expected, expected])


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
