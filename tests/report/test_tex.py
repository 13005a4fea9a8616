"""Tables in LaTeX: what is escaped, and that a document with every kind of them compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from frames_for_tests import FACTS, factor, make_runs, make_study, two_by_two
from test_claims import PAIR, claim, frames, made
from test_claims import study as study_of

from ablate.report.exhibits.table import print_table, print_tuned
from ablate.report.printed_claims import print_claims
from ablate.report.printed_table import Entry, PrintedTable, to_tex
from ablate.report.shares import Share, Shares, print_shares
from ablate.report.tables import make_tables
from ablate.report.verdicts import judge
from ablate.report.warning import DataWarning
from ablate.study.schema import Tune

_SIGNS = '& % $ # _ { } ~ ^ \\ [ ] * < > | " ± ° × – − · ⟨ ⟩ … ≤ ≥ → ≈ ∞ N(0, 0.01²) 10⁻⁹ λ σ é ü'
_DOCUMENT = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


def signs():
    """Every sign that needs care, wherever a text stands, rows that begin with one first."""
    entry = Entry("[96.2 ± 1.3]", best=True, mark="°", beside="99.8", note="2/5 n/c")
    rows = tuple((label, (entry, Entry(_SIGNS))) for label in ("[16, 32]", "*", _SIGNS))
    return PrintedTable(_SIGNS, _SIGNS, ("a_b", "50 %"), rows, (_SIGNS,), (("both & all", 2),),
                        footer=(("multiply-adds", ("1 k", "–")),), is_prose=True)  # fmt: skip


def every_kind():
    study, runs = two_by_two()
    runs["train/accuracy"] = 0.99
    (table,) = make_tables(study, runs)
    tuned = make_study(factor("init", ["a", "b"]), tune=Tune(key="optimizer.lr", values=(0.1, 1)))
    tuned_runs = make_runs(tuned, {("a",): [0.9] * 3, ("b",): [0.8] * 3})
    (chosen,) = make_tables(tuned, tuned_runs.assign(**{"tuned:optimizer.lr": 0.1}))
    asked = study_of(claim(compare=PAIR, expect="greater"), claim("d", compare=PAIR, expect="less"))
    warning = DataWarning("one learning rate", ("d",), "Compared at one learning rate.")
    rows = (Share("all", (0.3, 0.2, 0.4), None), Share("init", (0.2, 0.1, 0.3), (0.5, 0.2, 1.1)))
    share = Shares(factor("source", ["all", "init"]), "all", rows, (0.5, 0.2, 1.1), 3, 20, "points")
    kinds = [
        print_table(table, study, FACTS),
        print_tuned(chosen, tuned),
        print_claims(judge(asked, frames(made()), {}), 1, [warning]),
        print_shares(share),
        signs(),
    ]
    return [replace(kind, name=f"table-{number}") for number, kind in enumerate(kinds, 1)]


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("50 % & more_so", r"50 \% \& more\_so"),
        ("p < 0.001", "p $<$ 0.001"),
        ("N(0, 0.01²)", "N(0, 0.01$^{2}$)"),
        ("10⁻⁹", "10$^{-}$$^{9}$"),
        ("[16, 32]", "{[}16, 32{]}"),
        ("λ = 1", r"$\lambda$ = 1"),
        ("⟨99.8⟩", r"$\langle$99.8$\rangle$"),
    ],
)
def test_signs_that_latex_reads_as_markup_are_escaped(text, tex):
    grid = PrintedTable("T.", "c", ("x",), (("r", (Entry(text),)),), name="table-1")
    assert f"    r & {tex} \\\\" in to_tex(grid).splitlines()


def test_a_row_never_begins_with_what_ends_the_row_before():
    lines = to_tex(replace(signs(), name="table-1")).splitlines()
    assert not [line for line in lines if line.lstrip().startswith(("[", "*"))]


def test_every_kind_of_table_has_as_many_cells_as_columns():
    for grid in every_kind():
        columns = len(grid.columns)
        text = to_tex(grid)
        kinds = text.partition(r"\begin{tabular}{")[2].partition("\n")[0].removesuffix("}")
        assert len(re.sub(r"p\{[^}]*\}", "p", kinds)) == columns + 1
        body = text.partition(r"\midrule")[2].splitlines()
        rows = [line for line in body if line.endswith(r"\\")]
        assert len(rows) == len(grid.rows) + len(grid.footer)
        assert {row.replace(r"\&", "").count("&") for row in rows} == {columns}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed here")
def test_a_document_of_them_compiles(tmp_path):
    text = _DOCUMENT % "\n\\clearpage\n".join(map(to_tex, every_kind()))
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode"]
    # A draft is typeset as a whole but not written: fonts are then no matter.
    result = subprocess.run(
        [*command, "tables.tex"], cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stdout[-2000:]
