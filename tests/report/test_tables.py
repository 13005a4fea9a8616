from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from frames_for_tests import FAILED, MISSING, NC, factor, make_runs, make_study, two_by_two

from ablate.errors import ReportError
from ablate.report.tables import make_tables, pairs_to_csv, to_csv, tuned_to_csv
from ablate.study.schema import Tune


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_golden_csv():
    study, runs = two_by_two()
    (table,) = make_tables(study, runs)
    header, *lines = to_csv(table).splitlines()
    assert header == (
        "init,activation,cell,metric,n,not_converged,missing,mean,sd,half_width,convergence,"
        "convergence_low,convergence_high,best,not_shown_worse,p_against_best_holm,parameters,"
        "multiply_adds,values"
    )
    rows = read(to_csv(table))
    assert [(r["init"], r["activation"]) for r in rows] == [
        ("lsuv", "relu"), ("lsuv", "tanh"), ("he", "relu"), ("he", "tanh")
    ]  # fmt: skip
    assert rows[0]["values"] == "0.95 0.951 0.949"
    assert rows[1]["values"] == "0.88 n/c 0.89"
    assert lines[3] == "he,tanh,,test/accuracy,0,0,3,,,,,,,false,false,,,,missing missing missing"


def test_csv_holds_every_number_unrounded():
    study, runs = two_by_two()
    (table,) = make_tables(study, runs)
    first = read(to_csv(table))[0]
    values = np.array([0.95, 0.951, 0.949])
    assert float(first["mean"]) == values.mean()
    assert float(first["sd"]) == values.std(ddof=1)
    assert int(first["parameters"]) == 1_276_806


def test_pairs_csv_names_the_rows_and_the_test():
    study, runs = two_by_two()
    (table,) = make_tables(study, runs)
    relu, tanh = read(pairs_to_csv(table))
    assert (relu["column"], relu["a"], relu["b"], relu["test"]) == (
        "relu", "lsuv", "he", "paired t"
    )  # fmt: skip
    assert float(relu["mean_difference"]) == pytest.approx(0.05 - 1 / 3000)
    assert relu["p"] == relu["p_holm"]  # a family of one
    assert (tanh["test"], tanh["p"]) == ("none", "")


def test_axes_follow_the_item():
    study, runs = two_by_two()
    (table,) = make_tables(study, runs, rows="activation", columns="init")
    assert [level.name for level in table.rows.levels] == ["relu", "tanh"]
    assert table.column_names == ("lsuv", "he")
    assert [cell.best for cell in table.column("lsuv")] == [True, False]


def test_one_factor_gives_one_column():
    study = make_study(factor("init", ["lsuv", "he"]), replicates=2)
    runs = make_runs(study, {("lsuv",): [0.9, 0.91], ("he",): [0.8, 0.82]})
    (table,) = make_tables(study, runs)
    assert table.column_names == ("test accuracy (%)",)
    assert [cell.summary.mean for cell in table.cells] == pytest.approx([0.905, 0.81])


def test_three_factors_give_a_table_per_level_of_the_third():
    study = make_study(
        factor("init", ["lsuv", "he"]),
        factor("activation", ["relu", "tanh"]),
        factor("norm", ["with", "without"]),
        replicates=2,
    )
    runs = make_runs(study, {("he", "tanh", "without"): [0.5, 0.6]})
    with_norm, without = make_tables(study, runs)
    assert (with_norm.at, without.at) == ({"norm": "with"}, {"norm": "without"})
    assert [cell.summary.n for cell in with_norm.cells] == [0, 0, 0, 0]
    assert [cell.summary.n for cell in without.cells] == [0, 0, 0, 2]


def test_failed_runs_are_missing():
    study = make_study(factor("init", ["he"]), replicates=3)
    runs = make_runs(study, {("he",): [0.9, FAILED, NC]})
    (table,) = make_tables(study, runs)
    summary = table.cells[0].summary
    assert (summary.n, summary.not_converged, summary.missing) == (2, 1, 1)


def test_replicates_are_paired_by_their_index_not_by_their_place():
    study = make_study(factor("init", ["lsuv", "he"]), replicates=3)
    runs = make_runs(study, {("lsuv",): [0.1, 0.2, 0.4], ("he",): [0.2, 0.3, 0.5]})
    shuffled = runs.sample(frac=1, random_state=3)
    (table,) = make_tables(study, shuffled)
    # every difference is -0.1 up to rounding: no spread, hence no interval, and signs decide
    test = table.pairs["test accuracy (%)"][0].test
    assert test.evidence.effect == pytest.approx(-0.1)
    assert (test.p, test.evidence.interval) == (2 / 2**3, None)


def test_a_metric_that_no_run_has_is_named():
    study = make_study(factor("init", ["he"]), metric="test/nll")
    runs = make_runs(study, {("he",): [0.3]}).drop(columns="test/nll")
    with pytest.raises(ReportError, match="the metric 'test/nll'"):
        make_tables(study, runs)


def test_lower_is_better_for_a_loss():
    study = make_study(factor("init", ["lsuv", "he"]), metric="test/loss", replicates=2)
    runs = make_runs(study, {("lsuv",): [0.3, 0.31], ("he",): [0.2, 0.22]})
    (table,) = make_tables(study, runs)
    assert [cell.best for cell in table.cells] == [False, True]


def test_no_runs_at_all():
    study = make_study(factor("init", ["lsuv", "he"]))
    (table,) = make_tables(study, make_runs(study, {}))
    assert [cell.slug for cell in table.cells] == [None, None]
    assert "missing missing missing" in to_csv(table)


def test_tuned_values():
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1))
    study = make_study(factor("init", ["lsuv", "he"]), replicates=1, tune=tune)
    runs = make_runs(study, {("lsuv",): [0.9], ("he",): [MISSING]}, **{"tuned:optimizer.lr": 0.1})
    (table,) = make_tables(study, runs)
    assert [cell.tuned for cell in table.cells] == [{0: 0.1}, {}]
    assert tuned_to_csv(table, tune) == "init,cell,optimizer.lr\nlsuv,init=lsuv,0.1\n"
