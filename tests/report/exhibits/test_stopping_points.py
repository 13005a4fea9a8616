"""Stopping points: training and validation of each replicate, the best evaluation and the end."""

import sys
from pathlib import Path

import numpy as np
import pytest
from artists import points
from matplotlib.colors import to_hex
from small_frames import drawings, frames, present, runs, status, study, subject_of

from ablate.config.validate import run_config
from ablate.report.context import Context
from ablate.report.exhibits.stopping_points import stopping_points
from ablate.report.figures.style import looks
from ablate.study.items import ITEMS

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_figures import overlapping

SIZES = {"A": 1.0, "B": 3.0}
LOSS, ERROR = "loss (nats)", "error (%)"


def losses(one: str, replicate: int) -> list[float]:
    """Return a run's losses after epochs 1 to 4: the lowest is that of epoch 1 + replicate."""
    return [SIZES[one] * (1 + abs(epoch - 1 - replicate)) for epoch in range(1, 5)]


def context(monitor: str = "validation/loss", **options) -> Context:
    """Let validation accuracy rise from 0.5 on, and training be twice as good at everything."""
    epochs = []
    for (one, two), replicate, keys in present():
        values = [0.01, *losses(one, replicate)]
        if status((one, two), replicate) == "diverged":
            values = [np.nan] * 5
        # Stopped an epoch later for each replicate; the first evaluation is before training.
        for epoch, value in enumerate(values[: 3 + replicate]):
            row = {"step": 100 * epoch, "epoch": float(epoch), "validation/loss": value}
            row |= {"train/loss": value / 2, "validation/accuracy": 0.5 + 0.1 * epoch}
            epochs.append({**keys, **row, "train/accuracy": 0.75 + 0.05 * epoch})
    item = ITEMS["stopping_points"](columns="one", **options)
    config = run_config({
        "data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"},
        "stopping": {"name": "patience", "monitor": monitor},
    })  # fmt: skip
    return Context(item, study(item), frames(runs({}), epochs=epochs), {"Ax": config})


def expected(one: str, replicate: int) -> np.ndarray:
    length = min(2 + replicate, 4)
    return np.column_stack([1 + np.arange(length), losses(one, replicate)[:length]])


def test_each_replicate_has_its_curves_and_its_best_epoch() -> None:
    shown = stopping_points(subject_of(context(), "columns"))
    assert {one: len(found) for one, found in shown.items()} == {"A": 4, "B": 3}
    for one, first in (("A", 0), ("B", 1)):
        for replicate, run in enumerate(shown[one], start=first):
            assert list(run.curves) == [LOSS]
            training, validation = run.curves[LOSS]
            wanted = expected(one, replicate)
            np.testing.assert_allclose(np.column_stack([validation.index, validation]), wanted)
            np.testing.assert_allclose(training, wanted[:, 1] / 2)
            assert run.best == 1 + replicate


def test_errors_are_percent_and_the_best_epoch_is_that_of_the_loss() -> None:
    run = stopping_points(subject_of(context(error=True), "columns"))["A"][1]
    assert list(run.curves) == [ERROR, LOSS]
    training, validation = run.curves[ERROR]
    np.testing.assert_allclose(validation, [40, 30, 20])
    np.testing.assert_allclose(training, [20, 15, 10])
    assert run.best == 2


def test_the_best_epoch_is_by_what_stopping_looks_at() -> None:
    """Accuracy rises to the end, which of replicate 2 is the fourth epoch."""
    shown = stopping_points(subject_of(context("validation/accuracy"), "columns"))
    assert [run.best for run in shown["A"]] == [2, 3, 4, 4]


def test_a_run_without_a_finite_loss_has_no_best_one() -> None:
    at_x, at_y = drawings(context())
    at_y = [axis.lines for axis in at_y.figure.axes]
    # A: three replicates with four artists and one with two lines of NaN; B: four of those.
    assert [len(found) for found in at_y] == [14, 8]
    assert at_x.name == "stopping_points-x"


@pytest.mark.parametrize("error", [False, True])
def test_what_is_drawn_are_the_runs_with_their_points(error: bool) -> None:
    drawing, _ = drawings(context(error=error))
    rows = 2 if error else 1
    axes = np.array(drawing.figure.axes).reshape(rows, 2)
    assert [axis.get_title(loc="left") for axis in axes[0]] == ["A", "B"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ([ERROR] if error else []) + [LOSS]
    for axis, (one, first) in zip(axes[-1], (("A", 0), ("B", 1)), strict=True):
        drawn = {"training": [], "validation": [], "o": [], "s": []}
        for line in axis.lines:
            is_marked = line.get_marker() in ("o", "s")
            part = "validation" if line.get_linestyle() == "-" else "training"
            drawn[line.get_marker() if is_marked else part].append(points(line))
            ink = line.get_markeredgecolor() if line.get_marker() == "o" else line.get_color()
            assert to_hex(ink) == looks(context().study)["one", one].color
        wanted = [expected(one, replicate) for replicate in range(first, 4)]
        for found, run in zip(drawn["validation"], wanted, strict=True):
            np.testing.assert_allclose(found, run)
        for found, run in zip(drawn["training"], wanted, strict=True):
            np.testing.assert_allclose(found, run * [1, 0.5])
        np.testing.assert_allclose(drawn["o"], [run[[run[:, 1].argmin()]] for run in wanted])
        np.testing.assert_allclose(drawn["s"], [run[[-1]] for run in wanted])
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert labels == ["training", "validation", "best evaluation", "end of training"]
    assert ("training error" in drawing.caption) == error
    assert overlapping(drawing.figure) == []
