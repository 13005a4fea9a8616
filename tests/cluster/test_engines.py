"""Ray and Dask: the suite of all executors, the same bits, and nodes and drivers that are killed."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from gated import SOURCE, ended, gated, journals, numbers_of, start, trained
from servers import free_port

from ablate.config.launch import FuturesLaunch, Ray
from ablate.launch.executor import Executor, executor_of
from waiting import until

sys.path.append(str(Path(__file__).parents[1] / "launch"))
from executor_suite import ExecutorSuite

pytestmark = pytest.mark.cluster
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


class TestRay(ExecutorSuite):
    @pytest.fixture
    def executor(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
        needs("ray", "ray")
        monkeypatch.setenv("PYTHONPATH", REACH["PYTHONPATH"])
        ray = executor_of(Ray(name="ray", workers=1), "cpu")
        yield ray
        ray.close()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Dask on 127.0.0.1, with one worker; return its address."""
    needs("distributed", "dask")
    folder = tmp_path_factory.mktemp("dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    dask = [sys.executable, "-m", "dask"]
    head = background(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"], folder
    )
    # Its workers may have children only where they are no daemons.
    node = background(
        [*dask, "worker", address, "--nthreads=1", "--host=127.0.0.1", "--no-dashboard"], folder,
        DASK_DISTRIBUTED__WORKER__DAEMON="False",
    )  # fmt: skip
    yield address
    end(node)
    end(head)


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


@pytest.fixture(scope="module")
def network() -> Iterator[list[str]]:
    """Return what puts a command into a network of its own, with two addresses for two nodes.

    Ray takes the address of the machine for 127.0.0.1, and would listen where others are.
    """
    needs("ray", "ray")
    if os.geteuid() != 0:
        pytest.skip("needs root: a network of its own for two nodes of Ray")
    holder = subprocess.Popen(["unshare", "--net", "sleep", "3600"])
    inside = ["nsenter", f"--target={holder.pid}", "--net"]
    here = os.readlink("/proc/self/ns/net")
    until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != here, "a network of its own")
    for words in (
        ["link", "set", "lo", "up"],
        ["addr", "add", "10.77.0.1/24", "dev", "lo"],
        ["addr", "add", "10.77.0.2/24", "dev", "lo"],
    ):
        subprocess.run([*inside, "ip", *words], check=True)
    yield inside
    holder.kill()
    holder.wait()


@pytest.fixture
def nodes(
    network: list[str], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start two nodes of a Ray cluster, which let in who has their token; one can be killed."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    folder = tmp_path_factory.mktemp("ray")
    ray = [*network, str(Path(sys.executable).with_name("ray"))]
    common = ["--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats", "--block"]

    def node(number: int, *words: str) -> subprocess.Popen[bytes]:
        address = f"--node-ip-address=10.77.0.{number}"
        return background([*ray, "start", address, *words, *common], folder, **QUIET)

    head = node(1, "--head", "--port=6399", "--include-dashboard=false", f"--temp-dir={folder}")

    def says(what: str) -> bool:
        check = [*ray, "status", f"--address={ADDRESS}"]
        done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=60)
        return what in done.stdout

    until(lambda: says("/1.0 CPU"), "the first node")
    second = node(2, f"--address={ADDRESS}")
    until(lambda: says("/2.0 CPU"), "two nodes")
    yield [head, second]
    for process in (second, head):
        end(process)


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
