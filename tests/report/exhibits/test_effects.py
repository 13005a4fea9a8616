"""The effects of claims: in the unit of their axis, with interval and margin, and as drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from artists import points
from scipy import stats
from small_frames import drawings, frames

from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.report.context import Context
from ablate.report.exhibits.effects import effects
from ablate.report.figures.forest import DENIED, SHOWN, Row, forest, linear_until, split
from ablate.report.figures.style import NEUTRAL
from ablate.report.sizes import PAPER, SLIDES
from ablate.report.verdicts import judge
from ablate.study.items import ITEMS
from ablate.study.reader import read_study

PAIR = {"one": ["A", "B"]}
#: Paired over eight replicates: A is ten points better, give or take.
A = np.array([0.90, 0.91, 0.92, 0.90, 0.91, 0.92, 0.93, 0.91])
B = A - np.array([0.10, 0.11, 0.09, 0.10, 0.12, 0.08, 0.10, 0.10])
FILE = {
    "question": "Does it?", "baseline": {}, "replicates": 8, "report": [],
    "factors": {"one": {"levels": {"A": {"model.norm": "batch"}, "B": {"model.norm": "none"}}}},
    "claims": {
        "better": {"text": "a", "compare": PAIR, "expect": "greater", "margin": 2},
        "worse": {"text": "b", "compare": PAIR, "expect": "less", "margin": 1},
        "equal": {"text": "c", "compare": PAIR, "expect": "equal", "margin": 10},
        "converges": {"text": "d", "at": {"one": "A"}, "expect": {"converges": 0.5}},
        "nothing": {"text": "e", "compare": PAIR, "expect": "less", "metric": "test/loss"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    path: Path = tmp_path_factory.mktemp("study") / "mine.yaml"
    path.write_text(yaml.safe_dump(FILE, sort_keys=False))
    study = read_study(path, read_groups([package_conf()]))
    runs = pd.DataFrame(
        {"cell": level, "replicate": r, "factor:one": level, "status": "done", "test/accuracy": v}
        for level, values in (("A", A), ("B", B))
        for r, v in enumerate(values)
    )
    made = frames(runs)
    return Context(ITEMS["effects"](), study, made, verdicts=tuple(judge(study, made, {})))


def test_rows_are_effects_with_the_intervals_of_their_verdicts(context: Context) -> None:
    panels = effects(context.verdicts)
    assert {axis: [row.name for row in rows] for axis, rows in panels.items()} == {
        "effect (points)": ["better", "worse", "equal"], "effect (%)": ["converges"],
    }  # fmt: skip
    better, worse, equal = panels["effect (points)"]
    by_name = {verdict.claim.name: verdict for verdict in context.verdicts}
    for row in (better, worse, equal):
        assert row.value == pytest.approx(10)
        # At 5 %, shared by five claims.
        low, high = stats.ttest_1samp(100 * (A - B), 0).confidence_interval(1 - 0.01)
        assert (row.low, row.high) == pytest.approx((low, high))
        assert row.note == by_name[row.name].outcome
    assert (better.ink, worse.ink, equal.ink) == (SHOWN, DENIED, NEUTRAL)
    assert (better.marks, worse.marks, equal.marks) == ((2,), (-1,), (-10, 10))
    (rate,) = panels["effect (%)"]
    assert rate.value == pytest.approx(100)
    interval = stats.binomtest(8, 8).proportion_ci(1 - 0.01, "exact")
    assert (rate.low, rate.high) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert rate.marks == pytest.approx((50,))


def test_what_is_drawn_are_these_numbers(context: Context) -> None:
    (drawing,) = drawings(context)
    panels = effects(context.verdicts)
    assert [axis.get_xlabel() for axis in drawing.figure.axes] == list(panels)
    for axis, rows in zip(drawing.figure.axes, panels.values(), strict=True):
        assert [text.get_text() for text in axis.get_yticklabels()] == [row.name for row in rows]
        assert [text.get_text() for text in axis.texts] == [row.note for row in rows]
        # The first row stands on top.
        assert axis.get_ylim() == (len(rows) - 0.5, -0.5)
        for place, row in enumerate(rows):
            bar, dot, *marks = [
                line for line in axis.lines
                if place - 0.5 < np.mean(line.get_ydata()) < place + 0.5
                and line.get_zorder() > 0  # where the axis is zero
            ]  # fmt: skip
            assert points(bar) == pytest.approx(np.array([(row.low, place), (row.high, place)]))
            assert points(dot) == pytest.approx(np.array([(row.value, place)]))
            assert bar.get_color() == dot.get_color() == row.ink
            assert [mark.get_xdata()[0] for mark in marks] == pytest.approx(list(row.marks))


def test_without_effects_there_is_no_figure(context: Context) -> None:
    assert drawings(Context(context.item, context.study, context.frames)) == []


def test_an_effect_that_would_press_the_others_on_zero_stands_on_a_logarithmic_part() -> None:
    rows = [
        Row(f"{value}", value, value - 0.1, value + 0.1, NEUTRAL, "") for value in (0.3, 0.5, 3)
    ]
    assert linear_until(rows) is None
    pressed = [*rows[:2], Row("far", -70, -72, -68, NEUTRAL, "")]
    assert linear_until(pressed) == 1  # the middle one reaches 0.6
    (axis,) = forest({"effect (points)": pressed}).axes
    assert axis.get_xlabel() == "effect (points), logarithmic beyond ±1"
    assert [text.get_text() for text in axis.get_xticklabels()] == ["−70", "−1", "−0.5", "0", "0.5"]
    (plain,) = forest({"effect (points)": rows}).axes
    assert (plain.get_xscale(), plain.get_xlabel()) == ("linear", "effect (points)")


def test_a_slide_takes_so_many_rows() -> None:
    rows = [Row(f"{place}", 1.0, 0.5, 1.5, NEUTRAL, "") for place in range(15)]
    panels = {"effect (points)": rows, "effect (nats)": rows[:2]}
    assert list(split(panels, PAPER)) == [panels]
    assert [list(map(len, part.values())) for part in split(panels, SLIDES)] == [[8], [7], [2]]
