"""A folder with a finished study, and a process that calls leave as it was."""

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ablate.commands import command_line
from ablate.config.compose import compose as command_line_compose

sys.path.append(str(Path(__file__).parents[1] / "commands"))  # for `written`


_read_groups = functools.cache(command_line.read_groups)
_composed: dict[Any, Any] = {}


def _compose(overrides: Sequence[str], root: Path, multirun: bool, flags: Sequence[str]) -> Any:
    asked = (tuple(overrides), root, multirun)
    if flags or asked not in _composed:
        found = command_line_compose(overrides, root, multirun=multirun, flags=flags)
        if flags:
            return found
        _composed[asked] = found
    return _composed[asked]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    for name in ("MLFLOW_TRACKING_URI", "ABLATE_DATA_DIR", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ablate.commands.verify.prepare_process", lambda threads: None)

    def refuse(*_: object) -> None:
        raise AssertionError("it would train")

    def offline(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("ablate.commands.sweep.sweep", refuse)
    # Hydra takes most of a call: the same words are composed once for all examples.
    for name, slow in (("read_groups", _read_groups), ("compose", _compose)):
        monkeypatch.setattr(f"ablate.commands.command_line.{name}", slow)
    fetching = import_module("ablate.data.fetch")  # the package has a function of that name
    monkeypatch.setattr(fetching, "_download", offline)


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from written import planned, write_ledger

    from ablate.report.regenerate import regenerate

    folder = tmp_path_factory.mktemp("written")
    write_ledger(planned(folder))
    regenerate(folder, "wide")
    return folder


@pytest.fixture
def lab(tmp_path: Path, _written: Path) -> Callable[[], Path]:
    """Return a function that makes a fresh root: the finished runs of the study `wide`, reported.

    It lies deep, so that `../..` leads to a folder of the test's own.
    """
    root = tmp_path / "a" / "b" / "c" / "lab"

    def fresh() -> Path:
        if root.exists():
            shutil.rmtree(root)
        return shutil.copytree(_written, root)

    return fresh
