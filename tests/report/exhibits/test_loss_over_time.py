"""Loss over time: each line at its best level, against steps and in units of the first's time."""

import numpy as np
import pytest
from artists import legend_of, lines, points
from small_frames import drawings, frames, present, runs, status, study, subject_of

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.exhibits.loss_over_time import timed_losses
from ablate.study.items import ITEMS

#: B is better at y by far, where no run of it converged; A is better at y, where most did.
ACCURACY = {
    ("A", "x"): [0.8] * 4, ("A", "y"): [0.9] * 4, ("B", "x"): [0.7] * 4, ("B", "y"): [0.99] * 4,
}  # fmt: skip
SIZES = {("A", "x"): 1.0, ("A", "y"): 2.0, ("B", "x"): 3.0, ("B", "y"): 7.0}
SPREAD = (1.0, 2.0, 3.0, 8.0)
#: Seconds between evaluations, which are at steps 0, 50 and 100; a clock starts at 5.
PACE = {("A", "x"): 1.0, ("A", "y"): 2.0, ("B", "x"): 4.0, ("B", "y"): 1.0}
STEPS = np.array([0.0, 25.0, 75.0])


def context(accuracy=ACCURACY, **options: str) -> Context:
    curves, timings = [], []
    for cell, replicate, keys in present():
        size = SIZES[cell] * SPREAD[replicate]
        size *= 50 if status(cell, replicate) == "diverged" else 1
        curves += [{**keys, "step": s, "loss": size / (1 + s)} for s in STEPS]
        timings += [{**keys, "step": s, "seconds": 5 + PACE[cell] * s / 50} for s in (0, 50, 100)]
    item = ITEMS["loss_over_time"](lines="one", best="two", **options)
    made = runs({"test/accuracy": accuracy})
    return Context(item, study(item), frames(made, curves=curves, timings=timings))


def test_a_line_is_shown_at_the_best_level_at_which_most_runs_converged() -> None:
    shown = timed_losses(subject_of(context(), "lines", "best"))
    assert list(shown) == [("A", "y"), ("B", "x")]
    first, second = shown.values()
    np.testing.assert_allclose(first.step, STEPS + 1)
    # Medians of what converged: replicates 0 to 2 of A, 1 to 3 of B.
    np.testing.assert_allclose(first.loss, 2 * 2 / (1 + STEPS))
    np.testing.assert_allclose(second.loss, 3 * 3 / (1 + STEPS))
    # Between evaluations time passes evenly; B takes twice as long as A for a step.
    np.testing.assert_allclose(first.time, STEPS / 100)
    np.testing.assert_allclose(second.time, 2 * STEPS / 100)


def test_the_best_of_a_loss_is_the_lowest() -> None:
    lower = context()
    metric = lower.study.metric.model_copy(update={"better": "lower"})
    made = Context(lower.item, lower.study.model_copy(update={"metric": metric}), lower.frames)
    found = timed_losses(subject_of(made, "lines", "best"))
    assert list(found) == [("A", "x"), ("B", "x")]


def test_what_is_drawn_are_these_losses_twice() -> None:
    shown = timed_losses(subject_of(context(), "lines", "best"))
    (drawing,) = drawings(context())
    (legend,) = drawing.figure.legends
    assert legend.get_title().get_text() == "first at its best second"
    ink = legend_of(drawing.figure)
    assert list(ink) == ["A y", "B x"]
    steps, time = drawing.figure.axes
    for (one, two), timed in shown.items():
        for axis, x in ((steps, timed.step), (time, timed.time)):
            color = ink[f"{one} {two}"]
            (line,) = [*lines(axis, color), *lines(axis, color, dashed=True)]
            np.testing.assert_allclose(points(line), np.column_stack([x, timed.loss]))
    assert (steps.get_xscale(), time.get_xscale()) == ("log", "linear")
    assert time.get_xlabel() == "time, in units of A's whole training"


def test_where_no_cell_converged_nothing_is_drawn_and_without_times_it_is_refused() -> None:
    without = context()
    without.frames.runs["status"] = "diverged"
    assert drawings(without) == []
    item = ITEMS["loss_over_time"]()
    with pytest.raises(ReportError, match="no run says when it was evaluated"):
        drawings(Context(item, study(item), frames(runs({}))))
