"""Processes of engines beside the tests: what they reach, where they listen, how they are ended."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from gated import SOURCE

TESTS = str(Path(__file__).parents[1])
REACH = {"PYTHONPATH": os.pathsep.join([str(SOURCE), TESTS])}
ADDRESS = "10.77.0.1:6399"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


def needs(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}: pip install 'ablate[{extra}]'")


def background(command: list[str], folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, start_new_session=True,
            env={**os.environ, **REACH, **environment},
        )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
