"""Several reports at once."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.errors import ConfigError
from ablate.report import side_by_side
from ablate.report.regenerate import check_reports


def place(root: Path, name: str, cores: int) -> tuple[int, Path, int]:
    return os.getpid(), root / name, cores


def test_alone_nothing_is_started_and_all_cores_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "cores", lambda: 5)
    assert side_by_side.for_each(place, tmp_path, ["a"]) == [(os.getpid(), tmp_path / "a", 5)]


def test_several_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "cores", lambda: 5)
    found = side_by_side.for_each(place, tmp_path, ["b", "a"])
    assert [rest for _, *rest in found] == [[tmp_path / "b", 2], [tmp_path / "a", 2]]
    assert os.getpid() not in [process for process, *_ in found]


def test_garbage_waits_until_a_report_is_made(tmp_path: Path) -> None:
    def collects(root: Path, name: str, cores: int) -> bool:
        return gc.isenabled()

    assert side_by_side.for_each(collects, tmp_path, ["a"]) == [False]
    assert gc.isenabled()


def test_a_report_is_made_without_scipys_distributions() -> None:
    # They take a second to import, and what a page needs of them is in scipy.special.
    said = "import sys, ablate.report.build; print('scipy.stats' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_an_error_of_a_worker_is_the_error_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "cores", lambda: 2)
    with pytest.raises(ConfigError, match="study 'a' has neither runs nor a report here"):
        check_reports(tmp_path, ["a", "b"])
