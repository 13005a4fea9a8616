from __future__ import annotations

import pytest
from frames_for_tests import MISSING, NC, factor, make_runs, make_study, two_by_two

from ablate.report.answer import answer
from ablate.report.tables import make_tables


def answer_of(study, runs):
    return answer(make_tables(study, runs), study)


def test_two_factors():
    study, runs = two_by_two()
    assert answer_of(study, runs) == (
        "Init lsuv is best, or not shown worse than the best, in 2 of 2 settings of activation; "
        "the best cell is init=lsuv · activation=relu (95.0 ± 0.2 %), "
        "the worst that converged is init=lsuv · activation=tanh (88 ± 6 %); "
        "1 of 9 runs did not converge; 3 of 12 runs are missing."
    )


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ({("a",): [0.9, 0.91, 0.92], ("b",): [0.7, 0.72, 0.71]}, "Init a is best or not shown"),
        ({("a",): [0.9, 0.93, 0.95], ("b",): [0.91, 0.9, 0.96]}, "No level of init is shown worse"),
        ({("a",): [NC] * 3, ("b",): [NC, NC, 0.9]}, "In no cell did more than half of the runs"),
        ({}, "No run has finished yet."),
    ],
    ids=["winner", "tie", "none-converged", "no-runs"],
)
def test_one_factor(values, start):
    study = make_study(factor("init", ["a", "b"]))
    assert answer_of(study, make_runs(study, values)).startswith(start)


def test_single_runs_claim_no_difference():
    study = make_study(factor("init", ["a", "b"]), replicates=1)
    text = answer_of(study, make_runs(study, {("a",): [0.9], ("b",): [0.8]}))
    assert text.startswith("One run per cell, so no difference is tested; the best cell is init=a")


def test_leaders_are_counted_over_all_tables():
    study = make_study(factor("init", ["a", "b"]), factor("act", ["x", "y"]),
                       factor("norm", ["p", "q"]))  # fmt: skip
    high, low = [0.9, 0.91, 0.92], [0.5, 0.52, 0.51]
    values = {
        (init, act, norm): high if (init == "a") != ((act, norm) == ("y", "q")) else low
        for init in "ab"
        for act in "xy"
        for norm in "pq"
    }
    text = answer_of(study, make_runs(study, values))
    assert text.startswith("Init a is best, or not shown worse than the best, in 3 of 4 settings "
                           "of act and norm")  # fmt: skip


def test_lower_is_better():
    study = make_study(factor("init", ["a", "b"]), metric="test/loss", replicates=2)
    runs = make_runs(study, {("a",): [0.4, 0.41], ("b",): [0.3, MISSING]})
    assert "the best cell is init=b (0.3000 nats)" in answer_of(study, runs)
