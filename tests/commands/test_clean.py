"""`ablate clean`: what no study asks for any more goes, and nothing else."""

from pathlib import Path

import pytest
from written import planned, write_ledger

from ablate.cli import main
from ablate.commands.clean import stale_runs
from ablate.store.ledger import move_stale
from ablate.store.lock import lock


def test_clean_removes_what_no_study_asks_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert stale_runs(root) == []
    assert main(["clean", "--stale"]) == 0
    assert capsys.readouterr().out == "nothing is stale\n"
    write_ledger(planned(root, "[4, 8, 16]"))
    (root / "runs" / "wide" / "members").mkdir()
    write_ledger(planned(root))
    (gone,) = stale_runs(root)
    assert gone.name.startswith("width=16")
    with lock(root, "wide"):
        assert stale_runs(root) == []  # somebody sweeps
    assert main(["clean", "--stale", "--dry-run"]) == 0
    assert f"{gone.relative_to(root)}  0.0 MB  would go" in capsys.readouterr().out
    assert gone.exists()
    assert main(["clean", "--stale"]) == 0
    assert not gone.exists()
    assert "removed\n1 folders" in capsys.readouterr().out
    assert len(list(root.glob("runs/wide/width=*/*/result.json"))) == 4


def test_replaced_entries_of_another_folder_go(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = move_stale(next(root.glob("runs/wide/*/1")), root)
    assert main(["clean", "--stale", "--root", str(root)]) == 0
    assert str(root / "runs" / ".stale" / "wide") in capsys.readouterr().out
    assert not moved.exists()
