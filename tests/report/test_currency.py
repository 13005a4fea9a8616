"""A report is made anew when anything that it depends on has changed, and else left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from frames_for_tests import factor, make_study, tables_and_placeholders

from ablate.config.validate import run_config
from ablate.records import Record
from ablate.report import currency, pieces
from ablate.report.regenerate import regenerate
from ablate.store.cell import LedgerCell
from ablate.store.index import Index, write_index
from ablate.store.ledger import run_directory, write_run
from ablate.study.lockfile import lock_study
from ablate.study.plan import Cell, Plan

DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


def add_runs(root: Path, commit: str) -> None:
    for replicate in range(2):
        write_run(
            run_directory(root, "s", "init=he", replicate),
            Record(metrics={"macro_f1": 0.5 + replicate / 10}, seconds=1), {}, f"k-{replicate}",
            {"commit": commit, "dirty": False}, "2025-03-01T12:00:00Z",
        )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a finished study of two runs and its report."""
    monkeypatch.setattr(pieces, "exhibits_of", tables_and_placeholders)
    study = make_study(factor("init", ["he"]), metric="macro_f1", name="s", replicates=2)
    cell = Cell("init=he", "he", "k", {"init": "he"}, run_config(DIGITS))
    lock_study(tmp_path / "runs" / "s", Plan(study, (cell,)))
    kept = LedgerCell(cell.slug, cell.name, cell.key, cell.levels, 2, "macro_f1")
    write_index(tmp_path, "s", Index([kept]))
    add_runs(tmp_path, "a" * 40)
    assert regenerate(tmp_path, "s").changed
    return tmp_path


def test_a_finished_study_is_not_reported_again(root: Path) -> None:
    again = regenerate(root, "s")
    assert (again.changed, again.missing) == (False, ())


def test_other_provenance_of_the_same_numbers_is_another_page(root: Path) -> None:
    shutil.rmtree(root / "runs" / "s" / "init=he")
    add_runs(root, "b" * 40)
    assert regenerate(root, "s").changed
    page = (root / "reports" / "s" / "README.md").read_text()
    assert "b" * 12 in page
    assert "a" * 12 not in page
    assert not regenerate(root, "s").changed


@pytest.mark.parametrize("name", ["table-1.csv", "README.md", "index.html", "runs.parquet"])
def test_what_is_gone_or_altered_is_written_again(root: Path, name: str) -> None:
    path = root / "reports" / "s" / name
    before = path.read_bytes()
    for spoil in (path.unlink, lambda: path.write_bytes(before[:-1] + b"?")):
        spoil()
        assert regenerate(root, "s").changed
        assert path.read_bytes() == before
        assert not regenerate(root, "s").changed


def test_a_report_that_came_with_a_clone_is_written_anew(root: Path) -> None:
    """Its numbers may be bit-equal: its provenance is that of somebody else's runs."""
    committed = root / "committed"
    shutil.copytree(root / "reports" / "s", committed)
    manifest = committed / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"s"', '"s" ', 1))
    shutil.rmtree(root / "reports" / "s")
    committed.rename(root / "reports" / "s")
    assert regenerate(root, "s").changed
    (root / "runs" / "s" / ".reported").unlink()
    assert regenerate(root, "s").changed
    assert not regenerate(root, "s").changed


def test_another_version_of_the_code_writes_it_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by = currency._made_by()
    for name in ("sources", "matplotlib"):
        monkeypatch.setattr(currency, "_made_by", lambda name=name: made_by | {name: "another"})
        assert regenerate(root, "s").changed
        assert not regenerate(root, "s").changed


def test_the_code_is_that_of_the_pages_with_their_templates(tmp_path: Path) -> None:
    home = tmp_path / "ablate"
    shutil.copytree(currency._HOME, home, ignore=shutil.ignore_patterns("__pycache__"))
    made_by = currency._made_by.__wrapped__
    before = made_by(home)
    assert before == made_by()
    template = next((home / "report" / "templates").glob("*.md.j2"))
    template.write_text(template.read_text() + " ")
    after = made_by(home)
    assert after["sources"] != before["sources"]
    (home / "commands" / "sweep.py").write_text("")  # which draws nothing
    assert made_by(home) == after
