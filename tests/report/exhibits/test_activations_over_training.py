"""Activations over training: medians and ranges over steps of some layers, and as they are drawn."""

import numpy as np
import pytest
from artists import legend_of, lines, points, shade
from small_frames import drawings, frames, layer_rows, present, runs, status, study, subject_of

from ablate.report.context import Context
from ablate.report.exhibits.activations_over_training import panels_of, percentiles_of
from ablate.study.items import ITEMS

STEPS = (0, 10, 100)
SPREAD = (1.0, 2.0, 3.0, 10.0)
#: Median, lowest and highest over the replicates with finite values.
EXPECTED = {"Ax": (2.5, 1, 10), "Ay": (2, 1, 3), "Bx": (3, 2, 10)}


def size(step: int, layer: int) -> float:
    return (1 + step) * 10.0**layer


def context() -> Context:
    layers = []
    for cell, replicate, keys in present():
        value = np.nan if status(cell, replicate) == "diverged" else SPREAD[replicate]
        for step in STEPS:
            stds = [value * size(step, layer) for layer in range(1, 7)]
            layers += layer_rows(keys, "activation", stds, step=step)
            layers += layer_rows(keys, "activation_gradient", [77.0] * 6, step=step)
    item = ITEMS["activations_over_training"](columns="two", rows="one")
    return Context(item, study(item), frames(runs({}), layers=layers))


def test_bands_of_four_layers_over_the_probed_steps() -> None:
    subject = subject_of(context(), "columns", "rows")
    layers = subject.frames.layers
    found = panels_of(subject, subject.joined(layers[layers["quantity"] == "activation"]))
    assert list(found) == [("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")]
    # Four of six, evenly spaced: 1, 2.67, 4.33 and 6.
    assert all(tuple(bands) == (1, 3, 4, 6) for bands in found.values())
    for cell, values in EXPECTED.items():
        for layer, band in found[tuple(cell)].items():
            expected = np.array([size(step, layer) for step in STEPS])
            assert band.index.tolist() == list(STEPS)
            for part, value in zip((band.middle, band.low, band.high), values, strict=True):
                assert part.tolist() == pytest.approx(value * expected)
    assert all(len(band) == 0 for band in found["B", "y"].values())


def test_what_is_drawn_are_these_numbers() -> None:
    drawing, _ = drawings(context())
    inks = legend_of(drawing.figure)
    assert list(inks) == ["layer 1", "layer 3", "layer 4", "layer 6"]
    panels = dict(zip(("Ax", "Ay", "Bx", "By"), drawing.figure.axes, strict=True))
    for cell, axis in panels.items():
        for name, ink in inks.items():
            (line,) = lines(axis, ink)
            if cell not in EXPECTED:
                assert len(points(line)) == 0
                continue
            middle, low, high = EXPECTED[cell]
            sizes = np.array([size(step, int(name[-1])) for step in STEPS])
            assert points(line) == pytest.approx(np.column_stack([STEPS, middle * sizes]))
            assert shade(axis, ink) == [
                pytest.approx((step, low * y, high * y))
                for step, y in zip(STEPS, sizes, strict=True)
            ]
    titles = [axis.get_title(loc="left") for axis in panels.values()]
    assert titles == ["x · A", "y · A", "x · B", "y · B"]
    assert "5 of 15 runs did not converge" in drawing.caption


def test_percentiles_of_the_last_layer_are_medians_over_what_converged() -> None:
    made = context()
    # A run that is n/c has numbers too, which must not count.
    layers = made.frames.layers
    layers.loc[layers["std"].isna(), ["p15", "p50", "p85"]] = -1e9
    subject = subject_of(made, "columns", "rows")
    rows = subject.joined(layers[layers["quantity"] == "activation"])
    found = percentiles_of(subject, rows, 6)
    sizes = np.array([size(step, 6) for step in STEPS])
    for cell, (middle, _, _) in EXPECTED.items():
        shown = found[tuple(cell)]
        assert shown.index.tolist() == list(STEPS)
        assert shown["p85"].tolist() == pytest.approx(middle * sizes)
        assert shown["p15"].tolist() == pytest.approx(-middle * sizes)
        assert shown["p50"].tolist() == [0.0] * 3
    assert len(found["B", "y"]) == 0
    _, drawing = drawings(made)
    assert drawing.name == "activations_over_training-percentiles"
    first, *_, last = drawing.figure.axes
    drawn = [points(line)[:, 1] for line in first.lines if len(line.get_xdata()) == len(STEPS)]
    assert [list(ys) for ys in drawn] == [
        pytest.approx(sign * EXPECTED["Ax"][0] * sizes) for sign in (-1, 0, 1)
    ]
    assert [text.get_text() for text in last.texts] == ["no run converged"]
    assert drawing.caption.startswith("What layer 6 passes to its activation function")
