from __future__ import annotations

from dataclasses import replace

import pytest
from frames_for_tests import FACTS, MISSING, NC, factor, make_runs, make_study, outcomes, two_by_two

from ablate.report.exhibits.table import print_table, print_tuned
from ablate.report.number_text import compact, decimals, mean_text
from ablate.report.printed_table import Entry, PrintedTable, to_markdown, to_tex
from ablate.report.tables import make_tables, tuned_to_csv
from ablate.stats import summarize
from ablate.study.schema import Metric, Tune

ACCURACY = Metric(name="test/accuracy", better="higher")
LOSS = Metric(name="test/loss", better="lower")


def grid_of(study, runs):
    (table,) = make_tables(study, runs)
    return replace(print_table(table, study, FACTS), name="table-1")


def test_golden_markdown():
    study, runs = two_by_two()
    title, _, *table = to_markdown(grid_of(study, runs)).splitlines()[:-2]
    assert title == "**Table 1.** Test accuracy (%) by init (rows) and activation (columns)."
    assert table == [
        "| init | relu | tanh |",
        "| --- | --- | --- |",
        "| lsuv | **95.0 ± 0.2** | **88 ± 6** (1/3 n/c) |",
        "| he | 90.03 ± 0.14 | – |",
        "| *parameters* | 1.3 M | 1.3 M |",
        "| *multiply-adds* | 382 M | 382 M |",
    ]


def test_rows_that_cost_differently_say_so_each():
    study = make_study(factor("net", ["small", "large"]), replicates=3)
    runs = make_runs(study, {("small",): [0.8, 0.81, 0.82], ("large",): [0.9, 0.91, 0.92]})
    runs.loc[runs["factor:net"] == "large", "multiply_adds"] *= 10
    _, _, *table = to_markdown(grid_of(study, runs)).splitlines()[:-2]
    assert table == [
        "| net | test accuracy (%) | multiply-adds |",
        "| --- | --- | --- |",
        "| small | 81 ± 2 ° | 382 M |",
        "| large | **91 ± 2** | 3.8 G |",
        "| *parameters* | 1.3 M |  |",
    ]


def test_golden_tex():
    study, runs = two_by_two()
    lines = to_tex(grid_of(study, runs)).splitlines()
    assert lines[3:] == [
        r"  \label{tab:table-1}",
        r"  \begin{tabular}{lll}",
        r"    \toprule",
        r"     & \multicolumn{2}{c}{activation} \\",
        r"    \cmidrule(l){2-3}",
        r"    init & relu & tanh \\",
        r"    \midrule",
        r"    lsuv & \textbf{95.0 $\pm$ 0.2} & \textbf{88 $\pm$ 6} (1/3 n/c) \\",
        r"    he & 90.03 $\pm$ 0.14 & -- \\",
        r"    \midrule",
        r"    parameters & 1.3 M & 1.3 M \\",
        r"    multiply-adds & 382 M & 382 M \\",
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]


def test_caption_says_what_a_reader_must_know():
    study, runs = two_by_two()
    caption = " ".join(grid_of(study, runs).caption)
    for phrase in (
        "n = 3 replicates a cell, replicates 0 to 2",
        "digits (1,200 training, 237 validation and 360 test examples); 5 epochs",
        "Holm over all pairs of the column: up to 1 comparison)",
        "Here 1 of 9 finished runs are n/c.",
        "initialization, data order, dropout and the validation split",
        # 1.96 sqrt(0.95 * 0.05 / 360) = 2.25 points
        "± 2.3 points open at 95.0 % (N = 360)",
        "3 of 12 runs are missing",
    ):
        assert phrase in caption


def test_a_setting_that_is_left_out_is_not_missing():
    study, runs = two_by_two()
    left_out = study.model_copy(update={"exclude": ({"init": ("he",), "activation": ("tanh",)},)})
    caption = " ".join(grid_of(left_out, runs).caption)
    assert "–: a setting that the study leaves out." in caption
    assert "missing" not in caption
    others = study.model_copy(update={"exclude": ({"init": ("xavier",)},)})
    assert "3 of 12 runs are missing" in " ".join(grid_of(others, runs).caption)


def test_one_run_per_cell_has_no_interval_and_says_so():
    study = make_study(factor("init", ["lsuv", "he"]), replicates=1)
    grid = grid_of(study, make_runs(study, {("lsuv",): [0.91], ("he",): [0.9]}))
    assert [str(entry) for _, (entry,) in grid.rows] == ["91.00", "90.00"]
    caption = " ".join(grid.caption)
    assert "no interval and no test" in caption
    assert "°" not in caption
    assert "Holm" not in caption


def test_a_tie_is_marked():
    study = make_study(factor("init", ["lsuv", "he"]))
    runs = make_runs(study, {("lsuv",): [0.91, 0.92, 0.93], ("he",): [0.915, 0.9, 0.94]})
    assert [str(entry) for _, (entry,) in grid_of(study, runs).rows] == ["92 ± 2", "92 ± 5 °"]


def test_all_not_converged():
    study = make_study(factor("init", ["lsuv", "he"]))
    runs = make_runs(study, {("lsuv",): [NC] * 3, ("he",): [NC, NC, MISSING]})
    grid = grid_of(study, runs)
    assert [str(entry) for _, (entry,) in grid.rows] == ["n/c", "n/c"]
    assert not any(entry.best for _, (entry,) in grid.rows)


def test_hover_lists_values_by_replicate():
    study, runs = two_by_two()
    entries = dict(grid_of(study, runs).rows)["lsuv"]
    assert entries[1].hover == "by replicate: 88.00, n/c, 89.00"


@pytest.mark.parametrize(
    ("half_width", "expected"),
    [(0.4, 1), (0.96, 1), (1.4, 1), (2.4, 0), (0.06, 2), (0.14, 2), (0.004, 2), (12, 0), (0, 2)],
)
def test_decimals_come_from_the_half_width(half_width, expected):
    assert decimals(half_width, 2) == expected


@pytest.mark.parametrize(
    ("values", "metric", "expected"),
    [
        ((0.931, 0.935, 0.927), ACCURACY, "93.1 ± 1.0"),
        ((0.95, 0.95), ACCURACY, "95.00 ± 0.00"),
        ((2.301, 2.302, 2.303), LOSS, "2.302 ± 0.002"),
        ((0.5,), LOSS, "0.5000"),
        ((-0.25,), LOSS, "−0.2500"),
        ((NC, NC), ACCURACY, "n/c"),
        ((MISSING,), ACCURACY, "–"),
    ],
)
def test_mean_text(values, metric, expected):
    assert mean_text(summarize(outcomes(*values)), metric) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (980, "980"), (1_276_806, "1.3 M"), (2_742_102, "2.7 M"), (382e6, "382 M"),
        (250_400, "250 k"), (9_960, "10 k"), (999_999, "1.0 M"), (3.1e12, "3.1 T"),
    ],
)  # fmt: skip
def test_compact(value, expected):
    assert compact(value) == expected


def test_tuned_table_marks_the_edge():
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1, 1.0))
    study = make_study(factor("init", ["lsuv", "he"]), replicates=1, tune=tune)
    runs = make_runs(study, {("lsuv",): [0.9], ("he",): [0.8]})
    runs["tuned:optimizer.lr"] = [0.1, 1.0]
    (table,) = make_tables(study, runs)
    grid = print_tuned(table, study)
    assert [str(entry) for _, (entry,) in grid.rows] == ["0.1", "1 (edge)"]
    assert grid.columns == ("optimizer.lr",)
    assert "tried: 0.01, 0.1, 1." in grid.caption[0]
    assert grid.caption[1].startswith("In 1 of 2 cells")


def test_where_nothing_is_tuned_nothing_is_chosen():
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1), by="cost", only={"init": ("he",)})
    study = make_study(factor("init", ["lsuv", "he"]), replicates=1, tune=tune)
    runs = make_runs(study, {("lsuv",): [0.9], ("he",): [0.8]})
    runs["tuned:optimizer.lr"] = [float("nan"), 0.1]
    (table,) = make_tables(study, runs)
    grid = print_tuned(table, study)
    assert [str(entry) for _, (entry,) in grid.rows] == ["–", "0.1 (edge)"]
    assert grid.caption[0].startswith("Chosen in each cell by mean cost over 10 tuning replicates")
    assert grid.caption[1] == "–: nothing is tuned."
    assert grid.caption[2].startswith("In 1 of 1 cells")


@pytest.mark.parametrize(
    ("nested", "covered"),
    [(True, "between replicates."), (False, "between replicates, not the choice of optimizer.lr.")],
)
def test_without_data_no_choice_of_examples_is_spoken_of(nested, covered):
    study, runs = two_by_two()
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1), nested=nested)
    tuned = study.model_copy(update={"tune": tune})
    (table,) = make_tables(study, runs)
    said = " ".join(print_table(table, tuned, replace(FACTS, data=())).caption)
    assert covered in said
    assert "examples" not in said


def test_values_chosen_by_replicate_are_counted_and_written_by_replicate():
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1, 1.0), nested=True)
    study = make_study(factor("init", ["lsuv", "he"]), replicates=3, tune=tune)
    runs = make_runs(study, {("lsuv",): [0.9, 0.9, 0.9], ("he",): [0.8, 0.8, 0.8]})
    runs["tuned:optimizer.lr"] = [0.1, 0.01, 0.1, 1.0, 0.1, 1.0]
    (table,) = make_tables(study, runs)
    grid = print_tuned(table, study)
    (lsuv,), (he,) = (entries for _, entries in grid.rows)
    assert str(lsuv) == "0.1 (2 of 3), 0.01 (1 of 3)"
    assert str(he) == "1 (2 of 3), 0.1 (1 of 3) (edge)"
    assert lsuv.hover == "by replicate: 0.1, 0.01, 0.1"
    assert grid.caption[0].startswith("Chosen for each replicate by validation/loss, in a tuning")
    assert grid.caption[1].startswith("In 1 of 2 cells")
    lines = tuned_to_csv(table, tune).splitlines()
    assert lines[0] == "init,cell,replicate,optimizer.lr"
    assert lines[2] == "lsuv,init=lsuv,1,0.01"
    assert len(lines) == 1 + 6


def test_markup_in_names_is_escaped():
    rows = (("50 %", (Entry("1 ± 2", mark="°"),)),)
    grid = PrintedTable("A_b.", "c|d", ("x_1",), rows, name="table-1")
    assert "| c\\|d | x\\_1 |" in to_markdown(grid)
    tex = to_tex(grid)
    assert r"50 \% & 1 $\pm$ 2$^\circ$ \\" in tex
    assert r"x\_1" in tex
