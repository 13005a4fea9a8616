"""Engines that run beside the tests, one of each for all of them; a test without its engine skips."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from background import ADDRESS, QUIET, background, end, needs
from gated import ended, gated, numbers_of, start
from servers import Postgres, Tracker, free_port, postgres_programs
from slurm_cluster import Slurm, missing_program

from waiting import until

# The store's own tests have samples of runs, those of whole sweeps a study.
sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("store", "end_to_end")]


@pytest.fixture(autouse=True)
def _no_tracker_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "PG"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL, on 127.0.0.1 alone, and end it."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs a driver for PostgreSQL: pip install 'ablate[postgres]'")
    # Not below pytest's own folder, which another user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="ablate-postgres-"))
    server = Postgres(folder, programs, free_port())
    try:
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: Postgres) -> str:
    """Return the address of a fresh database, without one table."""
    return postgres.new_database(f"runs_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def tracker(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """Start an MLflow server over a fresh database, and end it."""
    server = Tracker(tmp_path_factory.mktemp("tracker"), database, free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def by_the_pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Return the numbers of the gated study as this machine's own pool trains it."""
    folder = tmp_path_factory.mktemp("pool")
    gated(folder, is_open=True)
    ended(start(folder, "sweep", "study=mine.yaml"))
    return numbers_of(folder)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Start a SLURM of one node, on 127.0.0.1 alone, and end it."""
    absent = missing_program()
    if absent is not None:
        pytest.skip(f"needs SLURM, there is no {absent}: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("needs root: slurmd starts jobs of other users")
    folder = Path(tempfile.mkdtemp(prefix="ablate-slurm-"))
    cluster = Slurm(folder, (free_port(), free_port()))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
