"""Several reports at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.errors import ConfigError
from ablate.report import side_by_side
from ablate.report.regenerate import check_reports


def place(root: Path, name: str) -> tuple[int, Path]:
    return os.getpid(), root / name


def test_alone_nothing_is_started(tmp_path: Path) -> None:
    assert side_by_side.for_each(place, tmp_path, ["a"]) == [(os.getpid(), tmp_path / "a")]


def test_an_error_of_a_worker_is_the_error_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "_cores", lambda: 2)
    with pytest.raises(ConfigError, match="study 'a' has neither runs nor a report here"):
        check_reports(tmp_path, ["a", "b"])
