"""A ledger in a folder of its own, and a process that commands leave as it was."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from written import planned, write_ledger


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for command in ("check", "verify"):  # conftest has set threads for all tests
        monkeypatch.setattr(f"ablate.commands.{command}.prepare_process", lambda threads: None)


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_ledger(planned(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path, _written: Path) -> Path:
    """Return a folder with the finished runs of the study `wide`, to do with as one likes."""
    return shutil.copytree(_written, tmp_path / "lab")
