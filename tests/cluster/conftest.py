"""Engines that run beside the tests, one of each for all of them; a test without its engine skips."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from gated import ended, gated, numbers_of, start
from servers import Postgres, Tracker, free_port, postgres_programs

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
