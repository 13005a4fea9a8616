"""Reliability diagrams: bins pooled over the replicates that converged, and as they are drawn."""

import numpy as np
import pytest
from artists import inks, lines, points
from small_frames import CELLS, drawings, frames, present, runs, study, subject_of

from ablate.errors import ReportError
from ablate.report.context import Context
from ablate.report.exhibits.reliability_diagram import lines_of
from ablate.study.items import ITEMS

ECE = {cell: [0.01, 0.02, 0.03, 0.08] for cell in CELLS}


def context() -> Context:
    """Each run: 4 examples at 60 %, 10 at 90 %, two at 30 %, which stay under ten together."""
    right = {0: 1, 1: 0, 2: 1, 3: 2}  # of the 4, by replicate
    rows = []
    for _, replicate, keys in present():
        for place, (count, confidence, correct) in enumerate(
            [(2, 0.3, 2), (4, 0.6, right[replicate]), (10, 0.9, 5)]
        ):
            rows.append({**keys, "bin": 4 * place, "count": count,
                         "confidence": count * confidence, "correct": correct})  # fmt: skip
    item = ITEMS["reliability_diagram"](lines="two")
    return Context(item, study(item), frames(runs({"test/ece": ECE}), calibration=rows))


def expected(one: str, two: str) -> tuple[list[float], list[float], float]:
    """Return confidence, accuracy and error in percent, of the replicates that converged."""
    right, of = {"Ax": (4, 16), "Ay": (2, 12), "Bx": (3, 12)}[one + two]
    errors = {"Ax": 3.5, "Ay": 2.0, "Bx": 13 / 3}
    return [60, 90], [100 * right / of, 50], errors[one + two]


def test_bins_are_pooled_over_the_runs_that_converged() -> None:
    made = context()
    found = lines_of(subject_of(made, "lines"))
    assert [line.level for line in found] == ["x", "y"]
    for line in found:
        confidence, accuracy, error = expected("A", line.level)
        assert line.bins.confidence.tolist() == pytest.approx(confidence)
        assert line.bins.accuracy.tolist() == pytest.approx(accuracy)
        assert line.error == pytest.approx(error)


def test_what_is_drawn_are_these_numbers() -> None:
    first, second = drawings(context())
    for one, drawing, names in (
        ("A", first, {"x": "x (ECE 3.5 %)", "y": "y (ECE 2.0 %)"}),
        ("B", second, {"x": "x (ECE 4.3 %)", "y": "y (n/c)"}),
    ):
        (legend,) = drawing.figure.legends
        named = inks(legend)
        assert list(named) == list(names.values())
        (axis,) = drawing.figure.axes
        for two, name in names.items():
            (line,) = lines(axis, named[name])
            if (one, two) == ("B", "y"):
                assert len(points(line)) == 0
            else:
                confidence, accuracy, _ = expected(one, two)
                assert points(line) == pytest.approx(np.column_stack([confidence, accuracy]))
        (diagonal,) = lines(axis, "#999999")
        assert points(diagonal).tolist() == [[0, 0], [100, 100]]
    assert "1 of 8 runs did not converge" in first.caption
    assert "4 of 7 runs did not converge" in second.caption


def test_without_predictions_there_is_no_diagram() -> None:
    made = context()
    with pytest.raises(ReportError, match="no run kept predictions"):
        drawings(Context(made.item, made.study, frames(made.frames.runs)))
