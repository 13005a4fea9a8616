"""Learning curves: medians and ranges of runs that converged, the others one by one."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from artists import legend_of, points, shade
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from small_frames import drawings, frames, present, runs, status, study, subject_of

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.exhibits.learning_curves import LearningCurves, learning_curves
from ablate.report.figures.sample import thinned
from ablate.report.figures.style import looks
from ablate.study.items import ITEMS
from ablate.study.schema import Metric

SIZES = {("A", "x"): 1.0, ("A", "y"): 2.0, ("B", "x"): 3.0, ("B", "y"): 7.0}
#: Of replicates, so that the median is neither the mean nor the middle of the range.
SPREAD = (1.0, 2.0, 3.0, 8.0)
STEPS = (0.5, 4.0, 20.0)
#: Median, lowest and highest of the replicates that converged, in units of the cell's size.
EXPECTED = {("A", "x"): (2.5, 1, 8), ("A", "y"): (2, 1, 3), ("B", "x"): (3, 2, 8)}
#: Losses halve from step to step; the highest that converged is that of B at x.
HIGHEST = 3.0 * 8.0


def context(exploded: float = 1.0) -> Context:
    curves, epochs = [], []
    for cell, replicate, keys in present():
        size = SIZES[cell] * SPREAD[replicate]
        if status(cell, replicate) == "diverged":
            size *= exploded
        curves += [{**keys, "step": s, "loss": size * 0.5**i} for i, s in enumerate(STEPS)]
        epochs += [
            {**keys, "step": step, "validation/accuracy": size * (step + 1) / 1e4}
            for step in (0, 10)
        ]
        epochs.append({**keys, "step": 20, "validation/accuracy": np.nan})
    item = ITEMS["learning_curves"](lines="one", rows="two")
    return Context(item, study(item), frames(runs({}), curves=curves, epochs=epochs))


@cache
def numbers(**options: float) -> LearningCurves:
    return learning_curves(subject_of(context(**options), "lines", "rows"))


def test_a_cell_has_the_median_and_the_range_of_what_converged() -> None:
    cells = numbers().cells
    for (one, two), (median, low, high) in EXPECTED.items():
        loss, accuracy = cells[two, "loss", one], cells[two, "accuracy", one]
        # Nothing stands left of step 1 on a log axis.
        np.testing.assert_allclose(loss.converged.index, [1, 4, 20])
        np.testing.assert_allclose(accuracy.converged.index, [1, 10])
        size = SIZES[one, two]
        for curves, shape in ((loss, [1, 0.5, 0.25]), (accuracy, [0.01, 0.11])):
            np.testing.assert_allclose(curves.converged.middle, median * size * np.array(shape))
            np.testing.assert_allclose(curves.converged.low, low * size * np.array(shape))
            np.testing.assert_allclose(curves.converged.high, high * size * np.array(shape))


def test_curves_of_nothing_are_not_drawn() -> None:
    """A procedure of one's own may evaluate what is neither a loss nor the study's score."""
    whole = context()
    others = whole.frames.epochs.drop(columns="validation/accuracy")
    bare = replace(
        whole, frames=replace(whole.frames, epochs=others, curves=whole.frames.curves[:0])
    )
    with pytest.raises(ReportError, match="no run reports losses, or validation/accuracy"):
        drawings(bare)


def test_runs_that_did_not_converge_are_there_one_by_one() -> None:
    cells = numbers().cells
    assert {key: len(cell.single) for key, cell in cells.items() if key[1] == "loss"} == {
        ("x", "loss", "A"): 0, ("y", "loss", "A"): 1, ("x", "loss", "B"): 0, ("y", "loss", "B"): 4,
    }  # fmt: skip
    (run,) = cells["y", "loss", "A"].single
    np.testing.assert_allclose(np.column_stack([run.index, run]), [[1, 16], [4, 8], [20, 4]])
    assert len(cells["y", "loss", "B"].converged) == 0


def test_an_explosion_is_cut_to_five_times_the_highest_loss_that_converged() -> None:
    assert not numbers().cut_off
    exploded = numbers(exploded=1000.0)
    assert exploded.cut_off
    for losses in exploded.cells["y", "loss", "B"].single:
        np.testing.assert_allclose(losses, 5 * HIGHEST)


def test_so_is_a_score_of_which_less_is_better() -> None:
    whole = context(exploded=1000.0)
    epochs = whole.frames.epochs.rename(columns={"validation/accuracy": "validation/bits_per_byte"})
    text = replace(
        whole,
        study=whole.study.model_copy(
            update={"metric": Metric(name="test/bits_per_byte", better="lower", task="next_token")}
        ),
        frames=replace(whole.frames, epochs=epochs),
    )
    shown = learning_curves(subject_of(text, "lines", "rows"))
    scores = [
        value
        for (_, name, _), cell in shown.cells.items() if name == "bits_per_byte"
        for run in cell.single for value in run
    ]  # fmt: skip
    # The highest that converged is that of B at x, at step 10.
    assert max(scores) == pytest.approx(5 * HIGHEST * 11 / 1e4)
    assert shown.cut_off


def solid(axis: Axes, ink: str, width: float) -> list[np.ndarray]:
    """Return the points of the lines of a colour and a width."""
    return [
        points(line) for line in axis.lines
        if to_hex(line.get_color()) == ink and line.get_linewidth() == width
        and line.get_marker() != "x"
    ]  # fmt: skip


def test_what_is_drawn_are_these_numbers() -> None:
    shown = numbers()
    (drawing,) = drawings(context())
    panels = np.array(drawing.figure.axes).reshape(2, 2)
    ink = legend_of(drawing.figure)
    table = looks(context().study)
    assert ink == {one: table["one", one].color for one in "AB"}
    for row, two in enumerate("xy"):
        for column, name in enumerate(("loss", "accuracy")):
            axis = panels[row, column]
            what = ("training loss", "validation accuracy")[column]
            assert axis.get_title(loc="left") == f"{two}: {what}"
            for one in "AB":
                cell = shown.cells[two, name, one]
                band = cell.converged
                medians = solid(axis, ink[one], 1.1)
                bands = len(axis.collections)
                if (one, two) not in EXPECTED:
                    assert (medians, bands) == ([], 1)
                else:
                    np.testing.assert_allclose(
                        medians, [np.column_stack([band.index, band.middle])]
                    )
                    np.testing.assert_allclose(
                        shade(axis, ink[one]), np.column_stack([band.index, band.low, band.high])
                    )
                single = [np.column_stack([run.index, run]) for run in cell.single]
                np.testing.assert_allclose(np.array(solid(axis, ink[one], 0.35)), np.array(single))
                crosses = [
                    points(line)[0] for line in axis.lines
                    if line.get_marker() == "x" and to_hex(line.get_color()) == ink[one]
                ]  # fmt: skip
                np.testing.assert_allclose(np.array(crosses), np.array([run[-1] for run in single]))
    assert [axis.get_ylabel() for axis in panels[0]] == ["loss (nats)", "accuracy (%)"]
    assert "Thin lines, ending in a cross" in drawing.caption
    assert "upper edge" not in drawing.caption


def test_a_long_curve_is_thinned_to_what_is_seen_and_its_shade_covers_all() -> None:
    steps = np.arange(1, 5001, dtype=float)
    rng = np.random.default_rng(0)
    middle = rng.random(len(steps))
    whole = pd.DataFrame({"middle": middle, "low": middle - 1, "high": middle + 1}, index=steps)
    found = thinned(whole, 150)
    assert 100 < len(found) <= 150
    assert found.index[-1] == 5000
    assert (found["middle"] == whole.loc[found.index, "middle"]).all()
    start = 0.0
    for end, row in found.iterrows():
        hidden = whole[(whole.index > start) & (whole.index <= end)]
        assert (row["low"], row["high"]) == (hidden["low"].min(), hidden["high"].max())
        start = end
    assert thinned(whole.iloc[:150], 150).equals(whole.iloc[:150])
    assert thinned(whole["middle"]).iloc[-1] == middle[-1]
