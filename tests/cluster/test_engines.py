"""Ray and Dask: the suite of all executors, the same bits, and nodes and drivers that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from background import ADDRESS, REACH, end, needs
from gated import ended, gated, journals, numbers_of, start, trained

from ablate.config.launch import FuturesLaunch, Ray
from ablate.launch.executor import Executor, executor_of
from waiting import until

sys.path.append(str(Path(__file__).parents[1] / "launch"))
from executor_suite import ExecutorSuite

pytestmark = pytest.mark.cluster


class TestRay(ExecutorSuite):
    @pytest.fixture
    def executor(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
        needs("ray", "ray")
        monkeypatch.setenv("PYTHONPATH", REACH["PYTHONPATH"])
        ray = executor_of(Ray(name="ray", workers=1), "cpu")
        yield ray
        ray.close()


def dask_client():
    from distributed import Client

    return Client(os.environ["ABLATE_TEST_SCHEDULER"], timeout="60s")


class TestDask(ExecutorSuite):
    @pytest.fixture
    def executor(self, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
        monkeypatch.setenv("ABLATE_TEST_SCHEDULER", scheduler)
        client = f"{__name__}.dask_client"
        dask = executor_of(FuturesLaunch(name="futures", client=client, workers=1), "cpu")
        yield dask
        dask.close()


def test_dask_finds_the_studys_own_code_in_the_folder_that_it_shares(
    scheduler: str, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gated(tmp_path, is_open=True)
    client = f"def client():\n    return Client({scheduler!r})\n"
    (tmp_path / "lab.py").write_text(f"from distributed import Client\n\n\n{client}")
    words = ("launch=futures", "launch.client=lab.client", "launch.workers=2")
    assert "12/12 runs" in ended(start(tmp_path, "sweep", "study=mine.yaml", *words))
    assert numbers_of(tmp_path) == by_the_pool


@pytest.mark.parametrize("shares", ["true", "false"])
def test_two_nodes_give_the_bits_of_the_pool(
    nodes: list[subprocess.Popen[bytes]], network: list[str], tmp_path: Path, shares: str,
    by_the_pool: dict[str, dict[str, bytes]],
) -> None:  # fmt: skip
    gated(tmp_path, is_open=True)
    words = ("launch=ray", f"launch.address={ADDRESS}", f"launch.shares={shares}")
    assert "12/12 runs" in ended(
        start(tmp_path, "sweep", "study=mine.yaml", *words, within=network)
    )
    assert numbers_of(tmp_path) == by_the_pool
    assert trained(tmp_path) == 12


def test_a_node_that_is_killed_costs_nothing_and_its_job_is_handed_out_again(
    nodes: list[subprocess.Popen[bytes]],
    network: list[str],
    tmp_path: Path,
    by_the_pool: dict[str, dict[str, bytes]],
) -> None:
    gate = gated(tmp_path)
    words = ("launch=ray", f"launch.address={ADDRESS}")
    process = start(tmp_path, "sweep", "study=mine.yaml", *words, within=network)
    until(lambda: journals(tmp_path).count('"begun"') == 2, "a run on each node")
    end(nodes[1])
    gate.touch()
    assert "12/12 runs · 0 n/c · 0 failed" in ended(process)
    assert numbers_of(tmp_path) == by_the_pool


def test_a_driver_that_is_killed_leaves_nothing_behind_and_the_next_goes_on(
    nodes: list[subprocess.Popen[bytes]],
    network: list[str],
    tmp_path: Path,
    by_the_pool: dict[str, dict[str, bytes]],
) -> None:
    gate = gated(tmp_path)
    words = ("launch=ray", f"launch.address={ADDRESS}")
    first = start(tmp_path, "sweep", "study=mine.yaml", *words, within=network)
    until(lambda: journals(tmp_path).count('"begun"') == 2, "a run on each node")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    gate.touch()
    assert "12/12 runs" in ended(
        start(tmp_path, "sweep", "study=mine.yaml", *words, within=network)
    )
    assert numbers_of(tmp_path) == by_the_pool
