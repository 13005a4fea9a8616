"""The signal by layer: medians, ranges, theory and silence as numbers, and the same on the page."""

import numpy as np
import pytest
from artists import legend_of, lines, points, shade
from small_frames import drawings, frames, layer_rows, present, runs, status, study, subject_of

from ablate.config.validate import run_config
from ablate.lessons.signal import theory
from ablate.report.context import Context
from ablate.report.exhibits.signal_by_layer import signals
from ablate.study.items import ITEMS

DEPTH = 3
SIZES = {("A", "x"): 1.0, ("A", "y"): 4.0, ("B", "x"): 2.0, ("B", "y"): 0.0}
#: Of replicates, so that the median is neither the mean nor the middle of the range.
SPREAD = (1.0, 2.0, 3.0, 10.0)
FORWARD, BACKWARD = 0.5 ** np.arange(1, DEPTH + 1), 10.0 * np.arange(1, DEPTH + 1)
CONFIG = run_config({
    "data": {"name": "mnist"}, "init": {"name": "he"}, "optimizer": {"name": "sgd", "lr": 0.1},
    "model": {"name": "mlp", "depth": DEPTH, "width": 50}, "epochs": 1,
})  # fmt: skip
#: Median, lowest and highest of the replicates that have a signal, by cell.
EXPECTED = {("A", "x"): (2.5, 1, 10), ("A", "y"): (8, 4, 12), ("B", "x"): (6, 4, 20)}


def context() -> Context:
    layers = []
    for cell, replicate, keys in present():
        size = SIZES[cell] * SPREAD[replicate]
        if status(cell, replicate) == "diverged" and size:
            size = np.nan
        layers += layer_rows(keys, "activation", size * FORWARD)
        layers += layer_rows(keys, "activation_gradient", size * BACKWARD)
        layers += layer_rows(keys, "activation", 77 * FORWARD, step=5)
    item = ITEMS["signal_by_layer"](lines="one", rows="two")
    return Context(item, study(item), frames(runs({}), layers=layers), {"Ax": CONFIG})


def shown():
    made = subject_of(context(), "lines", "rows")
    first = made.frames.layers[made.frames.layers["step"] == 0]
    return signals(made, made.joined(first), made.levels("rows"))


def test_lines_are_medians_with_ranges_of_the_runs_that_have_a_signal() -> None:
    found = shown()
    assert found.rows == ("x", "y")
    assert found.depth == DEPTH
    for name in found.rows:
        for quantity, by_layer in (("activation", FORWARD), ("activation_gradient", BACKWARD)):
            named = {
                level: line.measured for (row, shown, level), line in found.lines.items()
                if (row, shown) == (name, quantity)
            }  # fmt: skip
            assert set(named) == {one for one, two in EXPECTED if two == name}
            for level, band in named.items():
                assert band.index.tolist() == [1, 2, 3]
                for part, value in zip(
                    (band.middle, band.low, band.high), EXPECTED[level, name], strict=True
                ):
                    assert part.tolist() == pytest.approx(value * by_layer)


def test_a_line_without_signal_is_named_and_one_without_runs_is_not() -> None:
    assert shown().silent == ("B",)
    made = context()
    without = made.frames.layers[made.frames.layers["cell"] != "By"]
    subject = subject_of(made, "lines", "rows")
    assert signals(subject, subject.joined(without), subject.levels("rows")).silent == ()


def test_theory_is_absolute_forward_and_from_the_measured_last_layer_backward() -> None:
    predicted = theory(CONFIG)
    lines = shown().lines
    assert lines["x", "activation", "A"].theory == pytest.approx(predicted.activation_std)
    assert lines["x", "activation", "B"].theory is None
    backward = lines["x", "activation_gradient", "A"]
    assert backward.theory == pytest.approx(predicted.gradient_std * 2.5 * BACKWARD[-1])
    assert all(line.theory is None for (row, *_), line in lines.items() if row == "y")


def test_what_is_drawn_are_these_numbers() -> None:
    (drawing,) = drawings(context())
    inks = legend_of(drawing.figure)
    assert list(inks) == ["A", "B", "theory"]
    panels = np.reshape(drawing.figure.axes, (2, 2))
    titles = [[axis.get_title(loc="left") for axis in row] for row in panels]
    assert titles == [["x: forward", "x: backward"], ["y: forward", "y: backward"]]
    for row, name in zip(panels, "xy", strict=True):
        for axis, by_layer in zip(row, (FORWARD, BACKWARD), strict=True):
            assert axis.get_yscale() == "log"
            for level in "AB":
                drawn = lines(axis, inks[level])
                assert len(drawn) == ((level, name) in EXPECTED)
                for line in drawn:
                    middle, low, high = EXPECTED[level, name]
                    assert points(line) == pytest.approx(
                        np.column_stack([[1, 2, 3], middle * by_layer])
                    )
                    assert shade(axis, inks[level]) == [
                        pytest.approx((x, low * y, high * y))
                        for x, y in zip((1, 2, 3), by_layer, strict=True)
                    ]
    (dashed,) = lines(panels[0, 0], inks["theory"], dashed=True)
    assert points(dashed)[:, 1] == pytest.approx(theory(CONFIG).activation_std)
    (dashed,) = lines(panels[0, 1], inks["theory"], dashed=True)
    assert points(dashed)[-1] == pytest.approx((DEPTH, 2.5 * BACKWARD[-1]))
    assert not lines(panels[1, 0], inks["theory"], dashed=True)
    assert "No line: B, whose signal is zero" in drawing.caption
    assert "5 of 15 runs did not converge" in drawing.caption
    assert "Dashed: theory" in drawing.caption
