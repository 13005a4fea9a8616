"""Stopping points: a line per replicate, with its lowest loss and its end."""

import numpy as np
from artists import points
from matplotlib.colors import to_hex
from small_frames import drawings, frames, present, runs, status, study, subject_of

from ablate.report.context import Context
from ablate.report.exhibits.stopping_points import stopping_points
from ablate.report.figures.style import looks
from ablate.study.items import ITEMS

SIZES = {"A": 1.0, "B": 3.0}


def losses(one: str, replicate: int) -> list[float]:
    """Return a run's losses after epochs 1 to 4: the lowest is that of epoch 1 + replicate."""
    return [SIZES[one] * (1 + abs(epoch - 1 - replicate)) for epoch in range(1, 5)]


def context() -> Context:
    epochs = []
    for (one, two), replicate, keys in present():
        values = [0.01, *losses(one, replicate)]
        if status((one, two), replicate) == "diverged":
            values = [np.nan] * 5
        # Stopped an epoch later for each replicate; the first evaluation is before training.
        for epoch, value in enumerate(values[: 3 + replicate]):
            row = {"step": 100 * epoch, "epoch": float(epoch), "validation/loss": value}
            epochs.append({**keys, **row})
    item = ITEMS["stopping_points"](columns="one")
    return Context(item, study(item), frames(runs({}), epochs=epochs))


def expected(one: str, replicate: int) -> np.ndarray:
    length = min(2 + replicate, 4)
    return np.column_stack([1 + np.arange(length), losses(one, replicate)[:length]])


def test_each_replicate_has_its_lowest_loss_and_its_end() -> None:
    shown = stopping_points(subject_of(context(), "columns"))
    assert {one: len(found) for one, found in shown.items()} == {"A": 4, "B": 3}
    for one, first in (("A", 0), ("B", 1)):
        for replicate, run in enumerate(shown[one], start=first):
            np.testing.assert_allclose(np.column_stack([run.index, run]), expected(one, replicate))
            assert run.argmin() == replicate


def test_a_run_without_a_finite_loss_has_no_best_one() -> None:
    at_x, at_y = drawings(context())
    at_y = [axis.lines for axis in at_y.figure.axes]
    # A: three replicates with three artists and one that is a line of NaN; B: four of those.
    assert [len(found) for found in at_y] == [10, 4]
    assert at_x.name == "stopping_points-x"


def test_what_is_drawn_are_the_runs_with_their_points() -> None:
    drawing, _ = drawings(context())
    for axis, (one, first) in zip(drawing.figure.axes, (("A", 0), ("B", 1)), strict=True):
        assert axis.get_title(loc="left") == one
        by_marker = {"None": [], "o": [], "s": []}
        for line in axis.lines:
            by_marker[line.get_marker()].append(points(line))
            ink = line.get_markeredgecolor() if line.get_marker() == "o" else line.get_color()
            assert to_hex(ink) == looks(context().study)["one", one].color
        wanted = [expected(one, replicate) for replicate in range(first, 4)]
        assert len(by_marker["None"]) == len(wanted)
        for drawn, run in zip(by_marker["None"], wanted, strict=True):
            np.testing.assert_allclose(drawn, run)
        best = [run[[run[:, 1].argmin()]] for run in wanted]
        np.testing.assert_allclose(by_marker["o"], best)
        np.testing.assert_allclose(by_marker["s"], [run[[-1]] for run in wanted])
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert labels == ["best evaluation", "end of training"]
    assert drawing.figure.axes[0].get_ylabel() == "validation loss"
