"""Ensemble curves: means with t intervals, the law of averages, and the same on the page."""

import numpy as np
import pytest
from artists import intervals, legend_of, lines, points
from matplotlib.colors import to_hex
from scipy import stats
from small_frames import drawings, frames, runs, status, study, subject_of

from ablate.metrics import SCORES
from ablate.report.context import Context
from ablate.report.exhibits.ensemble_curve import curves, predicted_brier
from ablate.study.items import ITEMS

#: x has two members and y has eight.
SIZES = {"x": {"ensemble.size": 2}, "y": {"ensemble.size": 8}}
V, C = np.array([0.30, 0.32, 0.34, 0.40]), np.array([0.10, 0.12, 0.16, 0.20])
ACCURACY = {
    ("A", "x"): [0.90, 0.91, 0.93, 0.94], ("A", "y"): [0.95, 0.95, 0.98, 0.5],
    ("B", "x"): [0.1, 0.80, 0.82, 0.84], ("B", "y"): [0.5] * 4,
}  # fmt: skip
PLAIN = {"A": 0.7, "B": 0.6}


def context(**options) -> Context:
    """B's Brier score of two members is no average of theirs, as with votes: no law for it."""
    two = {"A": (V + C) / 2, "B": V}
    values = {
        "test/accuracy": ACCURACY,
        "test/brier": {
            (one, size): two[one] if size == "x" else two[one] / 2 for one, size in ACCURACY
        },
        "members/brier": dict.fromkeys(ACCURACY, V),
        "members/covariance": dict.fromkeys(ACCURACY, C),
        "plain/accuracy": {cell: [PLAIN[cell[0]]] * 4 for cell in ACCURACY},
    }
    item = ITEMS["ensemble_curve"](x="two", lines="one", **options)
    return Context(item, study(item, SIZES), frames(runs(values)))


def converged(cell: tuple[str, str]) -> np.ndarray:
    kept = [r for r in range(4) if status(cell, r) == "done"]
    return np.array(ACCURACY[cell])[kept]


def error(cell: tuple[str, str]) -> tuple[float, float]:
    """Mean and half-width of the error in percent, by scipy."""
    values = 100 - 100 * converged(cell)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert low + high == pytest.approx(2 * values.mean())
    return values.mean(), (high - low) / 2


def test_means_and_intervals_are_those_of_the_runs_that_converged() -> None:
    first, second = curves(subject_of(context(), "x", "lines"), SCORES["accuracy"])
    assert (first.level, second.level) == ("A", "B")
    assert list(first.samples) == [2, 8]
    assert list(second.samples) == [2]  # with eight members all are n/c
    drawn = [(first, ("A", "x"), 2), (first, ("A", "y"), 8), (second, ("B", "x"), 2)]
    for curve, cell, size in drawn:
        sample = curve.samples[size]
        assert (sample.mean, sample.half_width) == pytest.approx(error(cell))
    assert first.plain == pytest.approx(30)
    assert second.plain == pytest.approx(40)
    assert first.law is None


def test_the_law_of_averages_holds_for_averages_alone() -> None:
    first, second = curves(subject_of(context(), "x", "lines"), SCORES["brier"])
    k = np.arange(1, 9)
    assert first.law == pytest.approx(V.mean() / k + (k - 1) / k * C.mean())
    assert first.law[1] == pytest.approx(first.samples[2].mean)
    assert second.law is None
    assert first.plain is None
    assert predicted_brier(context().frames.runs.drop(columns="members/covariance"), k) is None


def test_one_replicate_has_no_interval() -> None:
    made = context()
    kept = made.frames.runs[made.frames.runs["replicate"] == 1]
    (curve, _) = curves(subject_of(Context(made.item, made.study, frames(kept)), "x", "lines"),
                        SCORES["accuracy"])  # fmt: skip
    assert [sample.mean for sample in curve.samples.values()] == pytest.approx([9, 5])
    assert [sample.half_width for sample in curve.samples.values()] == [None, None]


def test_what_is_drawn_are_these_numbers() -> None:
    (drawing,) = drawings(context())
    inks = legend_of(drawing.figure)
    assert list(inks) == ["A", "B", "law, from two members", "the network by itself"]
    brier, errors = drawing.figure.axes
    assert (errors.get_xlabel(), errors.get_ylabel()) == ("second", "error (%)")
    assert errors.get_title(loc="left") == "error on the test set"
    assert [text.get_text() for text in errors.get_xticklabels()] == ["2", "8"]
    first, second = intervals(errors, inks["A"]), intervals(errors, inks["B"])
    for row, cell in zip([*first, *second], [("A", "x"), ("A", "y"), ("B", "x")], strict=True):
        mean, half = error(cell)
        # Lines stand side by side, within two percent of where they belong.
        assert row[0] == pytest.approx({"x": 2, "y": 8}[cell[1]], rel=0.02)
        assert row[1:] == pytest.approx((mean, mean - half, mean + half))
    assert len({first[0, 0], second[0, 0]}) == 2
    (law,) = lines(brier, inks["A"], dashed=True)
    k = np.arange(1, 9)
    assert points(law) == pytest.approx(np.column_stack([k, V.mean() / k + (k - 1) / k * C.mean()]))
    assert not lines(brier, inks["B"], dashed=True)
    plain = {to_hex(line.get_color()): line.get_ydata()[0] for line in errors.lines
             if line.get_linestyle() == ":"}  # fmt: skip
    assert plain == {inks["A"]: pytest.approx(30), inks["B"]: pytest.approx(40)}
    assert "5 of 15 runs did not converge" in drawing.caption
    assert "Dashed: v/k" in drawing.caption
    assert "Dotted" in drawing.caption
