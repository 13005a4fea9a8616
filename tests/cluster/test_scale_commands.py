"""The commands of docs/scale.md for engines, word for word, each with the engine that it names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gated import ended, numbers_of, start
from scale_page import LAB, command_for, quickstart
from slurm_cluster import Slurm

pytestmark = pytest.mark.cluster
NODE = "tcp://node1:8786"
Numbers = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    """Return the numbers of the small `quickstart` as this machine's own pool trains it."""
    root = quickstart(tmp_path_factory.mktemp("pool"))
    ended(start(root, "sweep", "study=quickstart"))
    return numbers_of(root, "quickstart")


def check(process: subprocess.Popen[str], root: Path, expected: Numbers) -> None:
    """Assert that the command trains all four runs, as the pool does, and reports."""
    output = ended(process)
    assert "4/4 runs" in output
    assert len(expected) == 4
    assert numbers_of(root, "quickstart") == expected
    assert (root / "reports" / "quickstart" / "README.md").exists()


def test_slurm(slurm: Slurm, tmp_path: Path, expected: Numbers) -> None:
    root, words = quickstart(tmp_path), command_for("launch=slurm")
    check(start(root, *words, environment=slurm.environment), root, expected)
    logs = list(root.glob("runs/quickstart/.workers/slurm-*_[0-7].out"))
    assert len(logs) == 8


def test_ray(
    nodes: list[subprocess.Popen[bytes]], network: list[str], tmp_path: Path, expected: Numbers
) -> None:
    root, words = quickstart(tmp_path), command_for("launch=ray")
    check(start(root, *words, within=network), root, expected)


def test_dask(scheduler: str, tmp_path: Path, expected: Numbers) -> None:
    root, words = quickstart(tmp_path), command_for("launch=futures")
    assert LAB.count(NODE) == 1
    (root / "lab.py").write_text(LAB.replace(NODE, scheduler))
    check(start(root, *words), root, expected)
