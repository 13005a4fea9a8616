"""What two costly things buy: the table against a base, by hand."""

import csv
import io

import numpy as np
import pytest
from frames_for_tests import NC, factor, make_runs, make_study
from scipy import stats

from ablate.report.exhibits.compared_to_base import compare_to_base, compared_to_csv, print_compared
from ablate.report.printed_table import to_markdown, to_tex
from ablate.report.tables import make_tables

STUDY = make_study(factor("models", ["1", "3"]), factor("crops", ["1", "9"]))
VALUES = {
    ("1", "1"): [0.90, 0.91, 0.92],
    ("1", "9"): [0.92, 0.92, 0.94],
    ("3", "1"): [0.93, NC, 0.95],
    ("3", "9"): [0.94, 0.94, 0.95],
}
COSTS = {"1": 1.0, "3": 3.0}


def runs():
    frame = make_runs(STUDY, VALUES)
    crops = frame["factor:crops"].map({"1": 1.0, "9": 9.0})
    frame["multiply_adds"] = 100 * frame["factor:models"].map(COSTS) * crops
    return frame


def table_of(frame):
    (table,) = make_tables(STUDY, frame, rows="models")
    return table


def test_rows_by_hand():
    base, crops, models, both = compare_to_base(table_of(runs()))
    assert [row.cost for row in (base, crops, models, both)] == [1, 9, 3, 27]
    assert base.value[0] == pytest.approx(9.0)
    assert base.difference == (None, None)
    assert crops.difference[0] == pytest.approx(-np.mean([2, 1, 2]))
    gains = np.array([-2.0, -1.0, -2.0])
    half = stats.t.ppf(0.975, 2) * gains.std(ddof=1) / 3**0.5
    assert crops.difference[1] == pytest.approx(half)
    # The pair whose partner did not converge is left out: replicates 0 and 2.
    assert models.difference[0] == pytest.approx(-3.0)
    assert both.value[0] == pytest.approx(100 * (1 - np.mean([0.94, 0.94, 0.95])))


def test_print_and_csv():
    table = table_of(runs())
    rows = compare_to_base(table)
    grid = print_compared(table, rows, STUDY)
    text = to_markdown(grid)
    assert "| 1 × 1 | 1 × | 9 ± 2 | base |" in text
    assert "| 3 × 9 | 27 × |" in text
    assert "(1/3 n/c)" in text
    assert "Alone, 3 models change it by −3.00 and 9 crops by −1.67, in sum −4.67" in text
    assert "together they change it by −3.33, 71 % of it" in text
    assert r"\begin{table}" in to_tex(grid)
    lines = list(csv.DictReader(io.StringIO(compared_to_csv(table, rows))))
    assert len(lines) == 4
    assert float(lines[1]["difference"]) == rows[1].difference[0]
    assert lines[2]["values"] == "0.93 n/c 0.95"


def test_a_cell_whose_runs_all_failed_has_no_cost():
    frame = runs()
    frame.loc[frame["factor:crops"] == "9", ["status", "multiply_adds"]] = ["failed", np.nan]
    table = table_of(frame)
    assert "| 1 × 9 | – |" in to_markdown(print_compared(table, compare_to_base(table), STUDY))
