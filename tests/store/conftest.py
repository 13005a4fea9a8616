from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def own_mlflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_mlflow: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_mlflow, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
