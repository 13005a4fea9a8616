"""Schedules: medians over the replicates that converged, per epoch and panel."""

import numpy as np
from artists import legend_of, lines, points
from small_frames import drawings, frames, present, runs, status, study, subject_of

from ablate.report.context import Context
from ablate.report.exhibits.schedule_curves import schedule_curves
from ablate.study.items import ITEMS

SIZES = {("A", "x"): 1.0, ("A", "y"): 2.0, ("B", "x"): 3.0, ("B", "y"): 7.0}
SPREAD = (1.0, 2.0, 3.0, 8.0)
#: Of the replicates that converged, in units of the cell's size.
MEDIANS = {("A", "x"): 2.5, ("A", "y"): 2.0, ("B", "x"): 3.0}
EPOCHS = np.array([1.0, 2.0])


def context() -> Context:
    epochs = []
    for cell, replicate, keys in present():
        size = SIZES[cell] * SPREAD[replicate]
        size *= 50 if status(cell, replicate) == "diverged" else 1
        # The evaluation before the first step is of no epoch.
        for epoch in (0.0, *EPOCHS):
            values = {"lr": 0.1 * size * epoch, "train/loss": size / (1 + epoch)}
            values["validation/accuracy"] = size * (1 + epoch) / 100
            epochs.append({**keys, "step": int(100 * epoch), "epoch": epoch, **values})
    item = ITEMS["schedule_curves"](lines="one")
    return Context(item, study(item), frames(runs({}), epochs=epochs))


def expected(size: float) -> dict[str, np.ndarray]:
    return {
        "lr": 0.1 * size * EPOCHS,
        "train/loss": size / (1 + EPOCHS),
        "validation/accuracy": size * (1 + EPOCHS),
    }


def test_medians_are_of_the_runs_that_converged() -> None:
    curves = schedule_curves(subject_of(context(), "lines"))
    for one in "AB":
        for column, values in expected(SIZES[one, "x"] * MEDIANS[one, "x"]).items():
            np.testing.assert_allclose(curves[column, one].index, EPOCHS)
            np.testing.assert_allclose(curves[column, one], values)


def test_what_is_drawn_are_the_medians_of_each_setting_of_the_other_factor() -> None:
    first, second = drawings(context())
    assert (first.name, second.name) == ("schedule_curves-x", "schedule_curves-y")
    for drawing, two in ((first, "x"), (second, "y")):
        ink = legend_of(drawing.figure)
        # B did not converge at y: its line is empty there.
        assert list(ink) == ["A", "B"]
        for one in "AB":
            median = MEDIANS.get((one, two))
            columns = expected(SIZES[one, two] * (median or 0))
            for axis, values in zip(drawing.figure.axes, columns.values(), strict=True):
                (line,) = lines(axis, ink[one])
                drawn = np.column_stack([EPOCHS, values]) if median else np.empty((0, 2))
                np.testing.assert_allclose(points(line), drawn)
    titles = [axis.get_title(loc="left") for axis in first.figure.axes]
    assert titles == ["learning rate", "training loss (nats)", "validation accuracy (%)"]
