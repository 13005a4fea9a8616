"""What cells gain and cost: paired differences to the base, and the front of the best buys."""

import numpy as np
import pytest
from artists import intervals
from small_frames import drawings, frames, runs, study, subject_of

from ablate.errors import ReportError
from ablate.metrics import SCORES
from ablate.report.context import Context
from ablate.report.exhibits.effect_against_cost import on_front, points
from ablate.report.figures.quantity import as_tables_call_it
from ablate.stats import t_half_width
from ablate.study.items import ITEMS

VALUES = {
    ("A", "x"): (0.90, 0.91, 0.92, 0.93), ("A", "y"): (0.92, 0.94, 0.96, 0.0),
    ("B", "x"): (0.0, 0.90, 0.91, 0.94), ("B", "y"): (0.0, 0.0, 0.0, 0.0),
}  # fmt: skip
COSTS = {("A", "x"): 100, ("A", "y"): 300, ("B", "x"): 1000, ("B", "y"): 2000}


def context(costs: dict = COSTS, **options) -> Context:
    item = ITEMS["effect_against_cost"](x="two", lines="one", **options)
    found = runs({"test/accuracy": VALUES})
    at = list(zip(found["factor:one"], found["factor:two"], strict=True))
    found["multiply_adds"] = [costs[cell] for cell in at]
    found["parameters"] = [7 * costs[cell] for cell in at]
    return Context(item, study(item), frames(found))


def found(made: Context, cost: str = "multiply_adds"):
    subject = subject_of(made, "x", "lines")
    return {
        p.line + p.level: p for p in points(subject, as_tables_call_it(made.study.metric), cost)
    }


def test_effects_are_paired_differences_to_the_first_cell() -> None:
    shown = found(context())
    # B/y did not converge and is no point.
    assert set(shown) == {"Ax", "Ay", "Bx"}
    assert shown["Ax"].effect.values == pytest.approx((0, 0, 0, 0))
    assert shown["Ay"].effect.values == pytest.approx((2, 3, 4))  # the fourth is n/c
    assert shown["Bx"].effect.values == pytest.approx((-1, -1, 1))  # the first is missing
    assert [shown[name].cost for name in ("Ax", "Ay", "Bx")] == [100, 300, 1000]
    assert found(context(), "parameters")["Bx"].cost == 7000
    assert SCORES["accuracy"].scale == 100


def test_the_front_is_what_nothing_beats() -> None:
    shown = found(context())
    assert {name for name, point in shown.items() if point.on_front} == {"Ax", "Ay"}
    made = context()
    lower = made.study.model_copy(
        update={"metric": made.study.metric.model_copy(update={"better": "lower"})}
    )
    shown = found(Context(made.item, lower, made.frames))
    assert {name for name, point in shown.items() if point.on_front} == {"Ax", "Bx"}


def test_the_front_against_its_definition() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        costs, worth = rng.integers(1, 6, 8), rng.integers(0, 6, 8)
        expected = [
            not any(
                (c <= costs[i] and w >= worth[i]) and (c < costs[i] or w > worth[i])
                for c, w in zip(costs, worth, strict=True)
            )
            for i in range(8)
        ]
        assert on_front(costs, worth).tolist() == expected


def test_what_is_drawn_are_these_numbers() -> None:
    (drawing,) = drawings(context())
    (axis,) = drawing.figure.axes
    ink = drawing.figure.legends[0].get_lines()[0].get_color()
    shown = found(context())
    expected = []
    for name in ("Ax", "Ay"):
        effect = shown[name].effect
        half = t_half_width(np.array(effect.values))
        row = (shown[name].cost, effect.mean, effect.mean - half, effect.mean + half)
        expected.append(row)
    assert intervals(axis, ink) == pytest.approx(np.array(expected))
    assert sorted(text.get_text() for text in axis.texts) == ["x", "y"]
    assert axis.get_xscale() == "log"
    assert drawing.caption.startswith(
        "Change of test accuracy from the base (second = x, first = A)"
    )


def test_cells_of_one_cost_are_refused() -> None:
    with pytest.raises(ReportError, match="do not differ in parameters"):
        drawings(context(dict.fromkeys(COSTS, 5), cost="parameters"))
