"""The training metric beside that of the test set, and the gap between the two."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from frames_for_tests import FACTS, NC, factor, make_frames, make_runs, make_study

from ablate.errors import ReportError
from ablate.metrics import Final, effect_unit, quantity, with_gaps
from ablate.report.claim_metrics import measure
from ablate.report.exhibits.table import print_table
from ablate.report.gaps import frames_with_gaps, runs_with_gaps
from ablate.report.printed_table import to_markdown, to_tex
from ablate.report.tables import make_tables, to_csv
from ablate.study.schema import Metric


def trained(metric: str = "test/accuracy", other: str = "train/accuracy"):
    """Two cells of three runs: `a` with a training metric, of which one run is n/c, `b` without."""
    study = make_study(factor("init", ["a", "b"]), metric=metric)
    runs = make_runs(study, {("a",): [0.9, NC, 0.92], ("b",): [0.8, 0.81, 0.82]})
    runs[other] = [0.99, math.nan, 0.98, math.nan, math.nan, math.nan]
    return study, runs


def printed(study, runs):
    (table,) = make_tables(study, runs)
    return table, replace(print_table(table, study, FACTS), name="table-1")


def test_it_stands_in_angle_brackets_behind_the_mark_and_before_the_note():
    _, grid = printed(*trained())
    text = to_markdown(grid)
    assert "| a | **91 ± 13** ⟨98.5⟩ (1/3 n/c) |" in text
    assert text.count("⟨") == 2  # of a and in the caption: nothing where it is not known
    assert "⟨ ⟩: mean training accuracy of the same runs" in text


def test_in_latex_it_is_smaller_and_needs_no_package():
    _, grid = printed(*trained())
    assert (
        r"a & \textbf{91 $\pm$ 13} {\footnotesize $\langle$98.5$\rangle$} (1/3 n/c) \\"
        in to_tex(grid)
    )


def test_in_csv_it_has_columns_of_its_own_with_every_number():
    table, _ = printed(*trained())
    first, second = csv.DictReader(io.StringIO(to_csv(table)))
    values = np.array([0.99, 0.98])
    assert float(first["train_mean"]) == values.mean()
    assert float(first["train_sd"]) == values.std(ddof=1)
    assert first["train_values"] == "0.99 n/c 0.98"
    assert second["train_mean"] == second["train_values"] == ""


@pytest.mark.parametrize(
    ("metric", "other"),
    [("test/accuracy", "train/loss"), ("validation/accuracy", "train/accuracy")],
    ids=["not-measured", "not-of-the-test-set"],
)
def test_other_tables_are_as_they_were(metric, other):
    table, grid = printed(*trained(metric, other))
    assert not table.has_training
    assert "⟨" not in to_markdown(grid)
    assert "train_mean" not in to_csv(table)


def test_the_gap_is_training_less_test_run_by_run():
    _, runs = trained()
    found = runs_with_gaps(runs)
    assert found["gap/accuracy"][0] == 0.99 - 0.9
    assert found["gap/accuracy"].isna().tolist() == [False, True, False, True, True, True]
    assert "gap/loss" not in found
    assert "gap/accuracy" not in runs  # what was read stays as it is
    assert with_gaps({"train/loss": 0.1, "test/loss": 0.3}) == {
        "train/loss": 0.1, "test/loss": 0.3, "gap/loss": 0.1 - 0.3,
    }  # fmt: skip


def test_tuning_runs_have_it_too_as_claims_may_ask_for_them():
    _, runs = trained()
    frames = replace(make_frames(runs), tuning=runs)
    assert frames_with_gaps(frames).tuning["gap/accuracy"][0] == 0.99 - 0.9


def test_the_gap_is_a_quantity_of_claims_in_points():
    study, runs = trained()
    gaps = measure(Final("gap/accuracy"), study, make_frames(runs_with_gaps(runs)))
    assert (gaps.unit, gaps.better) == ("points", "lower")
    assert gaps.at({"init": ("a",)}).values[0] == pytest.approx([9, math.nan, 6], nan_ok=True)
    with pytest.raises(ReportError, match="no metric 'gap/accuracy'"):
        measure(Final("gap/accuracy"), study, make_frames(runs))


@pytest.mark.parametrize(
    ("name", "unit", "effect", "better"),
    [
        ("accuracy", "points", "points", "lower"),
        ("loss", "nats", "nats", "higher"),
        ("ece", "points", "", "higher"),
    ],
)
def test_its_units(name, unit, effect, better):
    row = quantity(f"gap/{name}")
    assert (row.unit, effect_unit(f"gap/{name}"), row.better) == (unit, effect, better)
    assert row.chance is None  # guessing is as good on either set, and no run need guess


def test_a_study_of_the_gap_prints_points():
    study, runs = trained()
    runs = runs_with_gaps(runs)
    study = study.model_copy(update={"metric": Metric(name="gap/accuracy", better="lower")})
    _, grid = printed(study, runs)
    assert grid.title.startswith("Training less test accuracy (points)")
    assert grid.rows[0][1][0].text == "7 ± 19"
