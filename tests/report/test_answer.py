"""The answer of a report without claims: who leads by how much, and what matters most."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import FACTS, MISSING, NC, factor, make_frames, make_runs, make_study

from ablate import stats
from ablate.report.answer import answer, untrained_answer
from ablate.report.lead import influences, lead, scored
from ablate.study.items import ITEMS


def answer_of(study, runs):
    return answer(study, make_frames(runs), FACTS, {}, ())


def test_who_leads_by_how_much_and_who_is_no_worse():
    study = make_study(factor("init", ["none", "a", "b"]), replicates=3)
    runs = make_runs(study, {("none",): [0.70, 0.71, 0.72], ("a",): [0.90, 0.91, 0.93],
                             ("b",): [0.90, 0.92, 0.91]})  # fmt: skip
    assert answer_of(study, runs) == (
        "A has the highest test accuracy of the 3 levels of init: 91.3 %; pair by pair "
        "+0 points (−6 to 7) against the runner-up b and +20 points (18 to 23) "
        "against none. B is no worse as far as these runs can tell. Every run converged."
    )


def test_best_is_only_who_is_shown_ahead_of_all_others():
    study = make_study(factor("init", ["a", "b"]))
    runs = make_runs(study, {("a",): [0.9, 0.91, 0.92], ("b",): [0.7, 0.72, 0.71]})
    text = answer_of(study, runs)
    assert text.startswith("A is best of the 2 levels of init: 91.0 %; pair by pair +20")
    assert "no worse" not in text


def test_intervals_of_all_pairs_hold_together():
    study = make_study(factor("init", ["none", "a", "b"]), replicates=3)
    runs = make_runs(study, {("none",): [0.70, 0.71, 0.72], ("a",): [0.90, 0.91, 0.93],
                             ("b",): [0.90, 0.92, 0.91]})  # fmt: skip
    found = lead(study, make_frames(runs), scored(study, runs, {}), study.factors[0])
    difference = 100 * (np.array([0.90, 0.91, 0.93]) - np.array([0.70, 0.71, 0.72]))
    interval = stats.t_interval(difference, 0.05 / 3)
    assert found.other("none").interval == pytest.approx(interval)
    assert [one.is_behind for one in found.against] == [False, True]


def test_the_factor_that_moves_most_is_named_though_it_is_not_compared():
    study = make_study(factor("init", ["a", "b"]), factor("size", ["100", "1000"], "images"))
    runs = make_runs(study, {("a", "100"): [0.3, 0.31, 0.32], ("b", "100"): [0.3, 0.3, 0.32],
                             ("a", "1000"): [0.8, 0.81, 0.82], ("b", "1000"): [0.79, 0.8, 0.83]})  # fmt: skip
    text = answer_of(study, runs)
    assert text.startswith(
        "Most depends on images: averaged over everything else, test accuracy is 30.8 % at 100 "
        "and 80.8 % at 1000. A has the highest test accuracy of the 2 levels of init, averaged "
        "over images: 56.0 %"
    )
    first, second = influences(study, scored(study, runs, {}))
    assert (first.factor.name, second.factor.name) == ("size", "init")
    assert first.range == pytest.approx(0.5, abs=0.001)


def test_many_who_are_no_worse_are_counted():
    study = make_study(factor("k", [str(k) for k in range(1, 8)], "members"))
    same = [0.9, 0.92, 0.91]
    values = {(str(k),): np.roll(same, k) + k / 1e4 for k in range(1, 8)}
    text = answer_of(study, make_runs(study, values))
    assert text.startswith("Members 7 has the highest test accuracy of the 7 levels of members")
    assert "6 others are no worse as far as these runs can tell" in text


def test_a_level_that_lost_half_of_its_runs_cannot_lead():
    study = make_study(factor("init", ["a", "b"]))
    runs = make_runs(study, {("a",): [0.99, NC, NC], ("b",): [0.7, 0.72, 0.71]})
    text = answer_of(study, runs)
    assert text.startswith("B has the highest test accuracy of the 2 levels of init: 71.0 %.")
    assert "A cannot lead: half or more of their runs did not converge." in text
    assert text.endswith("2 of 6 runs did not converge.")


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ({("a",): [NC] * 3, ("b",): [NC, NC, 0.9]}, "With no level of init did more than half"),
        ({}, "No run has finished yet."),
    ],
    ids=["none-converged", "no-runs"],
)
def test_without_a_leader(values, start):
    study = make_study(factor("init", ["a", "b"]))
    assert answer_of(study, make_runs(study, values)).startswith(start)


def test_single_runs_test_no_difference():
    study = make_study(factor("init", ["a", "b"]), replicates=1)
    text = answer_of(study, make_runs(study, {("a",): [0.9], ("b",): [0.8]}))
    assert text == (
        "A has the highest test accuracy of the 2 levels of init: 90.0 %. "
        "With one run a cell no difference is tested. Every run converged."
    )


def test_lower_is_better():
    study = make_study(factor("init", ["a", "b"]), metric="test/loss")
    runs = make_runs(study, {("a",): [0.4, 0.41, 0.42], ("b",): [0.3, 0.31, 0.33]})
    assert answer_of(study, runs).startswith("B is best of the 2 levels of init: 0.3133 nats; "
                                             "pair by pair −0.097 nats")  # fmt: skip


def test_missing_runs_are_counted():
    study = make_study(factor("init", ["a", "b"]))
    runs = make_runs(study, {("a",): [0.9, 0.91, MISSING], ("b",): [0.8, 0.81, 0.82]})
    assert answer_of(study, runs).endswith("1 of 6 runs are missing.")


def test_a_study_that_trains_nothing_says_what_becomes_of_the_signal():
    study = make_study(factor("init", ["small", "he"], "initialization"), replicates=1)
    runs = make_runs(study, {("small",): [0.1], ("he",): [0.1]})
    layers = pd.DataFrame([
        {"cell": f"init={name}", "replicate": 0, "step": 0, "layer": layer,
         "quantity": "activation", "std": std}
        for name, stds in {"small": (1.0, 1e-9), "he": (1.0, 1.5)}.items()
        for layer, std in zip((1, 10), stds, strict=True)
    ])  # fmt: skip
    assert untrained_answer(layers, runs, study) == (
        "Before any training, 1 of 2 settings carry the signal from layer 1 to layer 10 within a "
        "factor of two (standard deviation of the activations); it dies away most with "
        "initialization small (about 10⁹ times smaller at the end) and explodes most with "
        "initialization he (1.5 times larger)."
    )


def test_the_rows_of_the_first_table_are_compared():
    items = (ITEMS["table"](rows="act", columns="init"),)
    study = make_study(factor("init", ["a", "b"]), factor("act", ["x", "y"]), report=items)
    values = {(i, a): [0.9, 0.91, 0.92] if a == "x" else [0.5, 0.52, 0.51]
              for i in "ab" for a in "xy"}  # fmt: skip
    assert "X is best of the 2 levels of act, averaged over init" in answer_of(
        study, make_runs(study, values)
    )
