"""A folder to work in, with the tables of MLflow's database made already."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _with_tables(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_mlflow, tmp_path)
