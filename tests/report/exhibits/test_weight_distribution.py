"""Weights at the end: shares of all of a layer's weights, zeros as a stroke of their own."""

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch
from small_frames import counts, drawings, frames, layer_rows, present, runs, study, subject_of

from ablate.report.context import Context
from ablate.report.exhibits.weight_distribution import Weights, weights
from ablate.study.items import ITEMS

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_figures import overlapping

#: By replicate: a layer has 100 weights, so many percent of them zero.
ZEROS = (0.0, 0.5, 0.8, 0.9)


def context() -> Context:
    """Three layers, the last one pooled as a report keeps it; all of B/y is exactly zero."""
    rows = []
    for cell, replicate, keys in present():
        zero = 1.0 if cell == ("B", "y") else ZEROS[replicate]
        # Of those that are not zero half right of it and half in the third bin left of it.
        half = round(50 * (1 - zero))
        bins = {0: half, -3: half} if half else {}
        own = layer_rows(keys, "weight", [0.1, 0.1, 0.1], step=40, zero=zero)
        first = replicate == (1 if cell == ("B", "x") else 0)
        for row, name in zip(own, ("layer1", "layer2", "output"), strict=True):
            pooled = name == "output"
            row |= {"layer_name": name, "exponent": 0, "histogram": counts(bins)}
            if pooled:
                row["histogram"] = counts({0: 70, -3: 70}) if first else np.zeros(0, np.int64)
        rows += own
    rows += layer_rows({"cell": "Ax", "replicate": 0}, "activation", [5.0], step=40)
    item = ITEMS["weight_distribution"](columns="one", only={"two": ["x"]})
    return Context(item, study(item), frames(runs({}), layers=rows))


def shown() -> dict[tuple[int, str], Weights]:
    found = context()
    subject = subject_of(found, "columns")
    layers = found.frames.layers
    found, names = weights(subject, subject.joined(layers[layers["quantity"] == "weight"]))
    assert names == {1: "layer1", 2: "layer2", 3: "output"}
    return found


def test_bars_are_shares_of_all_weights_and_zeros_are_apart() -> None:
    found = shown()[1, "A"]
    assert found.zero == pytest.approx(np.mean(ZEROS))
    sides = np.array([-1.0, -2 / 64, 0.0, 1 / 64, 1.0])
    bars = found.shares(sides)
    # 100, 50, 20 and 10 of 400 weights are not zero, one half of them on each side.
    assert bars == pytest.approx([90 / 400, 0, 90 / 400, 0])
    assert bars.sum() + found.zero == pytest.approx(1)
    assert found.reach == 3 / 64


def test_pooled_counts_say_what_those_of_each_replicate_do() -> None:
    pooled, each = shown()[3, "A"], shown()[1, "A"]
    sides = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(pooled.shares(sides), each.shares(sides))


def test_a_layer_without_any_weight_left_has_a_stroke_alone() -> None:
    nothing = Weights([], 1.0)
    assert nothing.reach == 0
    assert not nothing.shares(np.linspace(-1, 1, 5)).any()


def test_what_is_drawn() -> None:
    (drawing,) = drawings(context())
    figure = drawing.figure
    grid = np.array(list(figure.axes)).reshape(3, 2)
    assert [axis.get_title() for axis in grid[0]] == ["A", "B"]
    assert [axis.get_ylabel() for axis in grid[:, 0]] == ["layer 1", "layer 2", "output"]
    for row, layer in zip(grid, (1, 2, 3), strict=True):
        for axis, level in zip(row, "AB", strict=True):
            expected = shown()[layer, level]
            stroke, dot = axis.lines
            assert dot.get_xydata().tolist() == [[0, expected.zero]]
            assert to_hex(stroke.get_color()) == to_hex(dot.get_color()) == "#de8f05"
            (bars,) = [p for p in axis.get_children() if isinstance(p, StepPatch)]
            heights, sides = bars.get_data().values, bars.get_data().edges
            np.testing.assert_allclose(heights, np.maximum(expected.shares(sides), 1e-5))
    assert grid[0, 0].texts[0].get_text() == "55 % zero"
    assert grid[0, 0].get_xlim() == (-0.05, 0.05)
    assert overlapping(figure) == []
