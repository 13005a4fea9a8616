"""Sensitivity to the learning rate: while tuning, and over a factor that sets it."""

from dataclasses import replace

import numpy as np
import pytest
from artists import legend_of, lines, markers, points
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from small_frames import CELLS, drawings, frames, runs, study, subject_of

from ablate.config.validate import run_config
from ablate.report.context import Context
from ablate.report.exhibits.learning_rate_sensitivity import _rate_ticks, over_rates, tuned
from ablate.study.items import ITEMS
from ablate.study.schema import Metric, Tune

KEY = "optimizer.lr"
CONFIG = run_config({
    "data": {"name": "mnist"}, "init": {"name": "he"}, "optimizer": {"name": "sgd", "lr": 0.1},
    "model": {"name": "mlp", "depth": 2, "width": 50}, "epochs": 1,
})  # fmt: skip
CHOSEN = {("A", "x"): 0.01, ("A", "y"): 0.1, ("B", "x"): 1.0, ("B", "y"): 0.1}
#: Accuracies of two tuning replicates by value; None where one did not converge.
TUNING = {
    ("A", "x"): {0.01: (0.8, 0.9), 0.1: (0.6, 0.8), 1.0: (0.5, None)},
    ("A", "y"): {0.01: (0.2, 0.4), 0.1: (0.9, 0.94), 1.0: (None, None)},
    ("B", "x"): {0.01: (0.3, 0.5), 0.1: (0.6, 0.7), 1.0: (0.7, 0.8)},
    ("B", "y"): {0.01: (0.1, 0.3), 0.1: (0.5, 0.6), 1.0: (0.4, 0.5)},
}
#: Means in percent; a run that did not converge counts as guessing among ten classes.
MEANS = {
    ("A", "x"): [85, 70, 30], ("A", "y"): [30, 92, 10], ("B", "x"): [40, 65, 75],
    ("B", "y"): [20, 55, 45],
}  # fmt: skip
ACCURACY = {
    ("A", "x"): [0.90, 0.92, 0.94, 0.96], ("A", "y"): [0.80, 0.84, 0.88, 0.5],
    ("B", "x"): [0.1, 0.70, 0.72, 0.74], ("B", "y"): [0.5] * 4,
}  # fmt: skip


def tuning(known: bool = True) -> Context:
    rows = [
        {"cell": "".join(cell), "value": value, "replicate": replicate,
         "status": "diverged" if score is None else "done",
         "validation/accuracy": np.nan if score is None else score}
        for cell, values in TUNING.items()
        for value, scores in values.items()
        for replicate, score in enumerate(scores)
    ]  # fmt: skip
    item = ITEMS["learning_rate_sensitivity"](lines="one", panels="two")
    tune = Tune(key=KEY, values=(0.01, 0.1, 1.0))
    made = runs({})
    made[f"tuned:{KEY}"] = [CHOSEN[tuple(cell)] for cell in made["cell"]]
    configs = {"".join(cell): CONFIG for cell in CELLS} if known else {}
    changed = study(item).model_copy(update={"tune": tune})
    return Context(item, changed, frames(made, tuning=rows), configs)


def test_a_panel_in_which_nothing_was_tuned_is_left_out() -> None:
    context = tuning()
    of_x = context.frames.tuning["cell"].str.endswith("x")
    frames_of_x = replace(context.frames, tuning=context.frames.tuning[of_x])
    (whole,), (part,) = drawings(context), drawings(replace(context, frames=frames_of_x))
    assert [axis.get_title(loc="left") for axis in whole.figure.axes] == ["x", "y"]
    assert [axis.get_title(loc="left") for axis in part.figure.axes] == ["x"]


def test_a_tuned_line_has_a_mean_per_value_in_which_not_converging_is_guessing() -> None:
    shown = tuned(subject_of(tuning(), "lines", "panels"), KEY)
    assert list(shown) == [("x", "A"), ("x", "B"), ("y", "A"), ("y", "B")]
    for (one, two), means in MEANS.items():
        line = shown[two, one]
        assert line.means.index.tolist() == [0.01, 0.1, 1.0]
        assert line.means.tolist() == pytest.approx(means)
        assert (line.chosen, line.guessing, line.runs) == (CHOSEN[one, two], 10, 6)
    counts = {key: line.not_converged for key, line in shown.items()}
    assert counts == {("x", "A"): 1, ("x", "B"): 0, ("y", "A"): 2, ("y", "B"): 0}


def test_of_a_procedure_that_is_tuned_by_its_own_number_the_metric_is_shown() -> None:
    shown = tuning()
    metric = Metric(name="gradients", better="lower")
    tune = Tune(key=KEY, values=(0.01, 0.1, 1.0), by="effort")
    shown.frames.tuning["gradients"] = 1000 * shown.frames.tuning["validation/accuracy"]
    changed = shown.study.model_copy(update={"tune": tune, "metric": metric})
    context = replace(shown, study=changed)
    found = tuned(subject_of(context, "lines", "panels"), KEY)
    # Runs that did not converge have none and are left out.
    assert found["x", "A"].means.tolist() == pytest.approx([850, 700, 500])
    (drawing,) = drawings(context)
    assert {axis.get_yscale() for axis in drawing.figure.axes} == {"log"}
    assert drawing.figure.axes[0].get_ylabel() == "gradients"
    assert drawing.caption.startswith("Gradients against the learning rate while tuning")
    assert "ringed: the value that tuning by effort chose." in drawing.caption


@pytest.mark.parametrize(("count", "named"), [(7, 7), (10, 5)])
def test_of_many_rates_some_are_named(count: int, named: int) -> None:
    figure = Figure()
    _rate_ticks(figure.add_subplot(xscale="log"), [10 ** (k / 2) for k in range(count)])
    texts = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert len(texts) == count
    assert [text for text in texts if text][:1] == ["1"]
    assert len([text for text in texts if text]) == named


def test_where_classes_are_not_known_runs_that_did_not_converge_are_left_out() -> None:
    unknown = tuning(known=False)
    shown = tuned(subject_of(unknown, "lines", "panels"), KEY)
    assert shown["x", "A"].means.tolist() == pytest.approx([85, 70, 50])
    assert shown["y", "A"].means.tolist() == pytest.approx([30, 92, np.nan], nan_ok=True)
    (drawing,) = drawings(unknown)
    assert "3 of 24 tuning runs did not converge and are left out." in drawing.caption


def test_what_is_drawn_of_tuning_are_these_means_and_the_value_chosen() -> None:
    (drawing,) = drawings(tuning())
    ink = legend_of(drawing.figure)
    assert list(ink) == ["A", "B"]
    for axis, two in zip(drawing.figure.axes, "xy", strict=True):
        assert axis.get_title(loc="left") == two
        for one in "AB":
            (line,) = [made for made in lines(axis, ink[one]) if len(points(made)) == 3]
            values = np.column_stack([(0.01, 0.1, 1.0), MEANS[one, two]])
            np.testing.assert_allclose(points(line), values)
            (ring,) = [
                made for made in axis.lines
                if made.get_markersize() == 7 and to_hex(made.get_markeredgecolor()) == ink[one]
            ]  # fmt: skip
            place = (0.01, 0.1, 1.0).index(CHOSEN[one, two])
            np.testing.assert_allclose(points(ring), values[[place]])
    assert "3 of 24 tuning runs did not converge and score as guessing." in drawing.caption
    assert drawing.figure.axes[0].get_ylabel() == "accuracy (%)"


def test_a_study_that_only_tunes_has_one_line() -> None:
    made = tuning()
    alone = made.frames.runs[made.frames.runs["cell"] == "Ax"]
    shown = Context(
        made.item.model_copy(update={"lines": None, "panels": None}),
        made.study.model_copy(update={"factors": ()}),
        frames(alone, tuning=made.frames.tuning.to_dict("records")),
        made.configs,
    )
    (drawing,) = drawings(shown)
    assert not drawing.figure.legends
    (axis,) = drawing.figure.axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), MEANS["A", "x"])


def over_a_factor() -> Context:
    item = ITEMS["learning_rate_sensitivity"](lines="one")
    rates = {"x": {KEY: 0.01}, "y": {KEY: 0.1}}
    made = runs({"test/accuracy": ACCURACY})
    return Context(item, study(item, rates), frames(made), {"Ax": CONFIG})


def test_over_a_factor_that_sets_it_the_metric_is_that_of_its_levels() -> None:
    shown = over_rates(subject_of(over_a_factor(), "x", "lines", named={"x": "two"}))
    assert shown.rates == (0.01, 0.1)
    assert shown.guessing == pytest.approx(10)
    means = {line: [cell.mean for cell in cells] for line, cells in shown.lines.items()}
    assert means["A"] == pytest.approx([93, 84])
    assert means["B"] == pytest.approx([72, np.nan], nan_ok=True)


def test_what_is_drawn_are_these_means_and_a_cross_where_most_did_not_converge() -> None:
    (drawing,) = drawings(over_a_factor())
    (axis,) = drawing.figure.axes
    ink = legend_of(drawing.figure)
    drawn = {one: points(lines(axis, ink[one])[0]) for one in "AB"}
    np.testing.assert_allclose(drawn["A"], [[0.01, 93], [0.1, 84]])
    np.testing.assert_allclose(drawn["B"], [[0.01, 72], [0.1, np.nan]])
    assert markers(axis, ink["A"], "x").tolist() == []
    np.testing.assert_allclose(markers(axis, ink["B"], "x"), [[0.1, 10]])
    assert axis.get_ylabel() == "test accuracy (%)"
