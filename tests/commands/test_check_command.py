"""`ablate check`: every cell is tried, and the exit code says whether all held."""

from pathlib import Path

import pytest
from written import planned

from ablate.cli import main


def test_check_tries_every_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned(tmp_path)
    words = ["check", f"study={tmp_path / 'wide.yaml'}", "--root", str(tmp_path)]
    assert main([*words, "model.width=64,128"]) == 0
    assert capsys.readouterr().out.count("fits 100% of 50") == 2
    assert main([*words, "optimizer.lr=1e-9"]) == 1
    assert "! " in capsys.readouterr().out
    assert main([*words, "data.train_size=999"]) == 2
    assert main(["check"]) == 2
