"""A new store of MLflow is a copy of the one it made before, and MLflow's own where that fails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import a_cell, add_run

from ablate.store import new_store
from ablate.store.sync import sync
from ablate.store.tracking import open_store


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ablate"


@pytest.fixture
def kept(cache: Path, tmp_path: Path, empty_mlflow: Path) -> Path:
    """Return what is kept after MLflow has made a store."""
    new_store.keep_new_store(empty_mlflow)
    (file,) = cache.iterdir()
    return file


def schema(path: Path) -> tuple[list, list]:
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2, 3")
        version = database.execute("SELECT version_num FROM alembic_version")
        return tables.fetchall(), version.fetchall()


def migrations_in(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Open a store below `root`; return how often MLflow made tables."""
    from mlflow.store.db import utils

    made, original = [], utils._initialize_tables

    def counted(engine: object) -> None:
        made.append(engine)
        original(engine)

    monkeypatch.setattr(utils, "_initialize_tables", counted)
    root.mkdir()
    open_store(root, "s", "?")
    return len(made)


def test_the_second_new_store_is_a_copy_of_what_mlflow_made_first(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert migrations_in(tmp_path / "a", monkeypatch) == 1
    assert len(list(cache.iterdir())) == 1
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    assert migrations_in(tmp_path / "b", monkeypatch) == 0
    first, second = (tmp_path / name / "mlflow.db" for name in "ab")
    assert schema(first) == schema(second)
    client = open_store(tmp_path / "b", "s", "?").client
    default = client.get_experiment("0")
    assert default.name == "Default"
    assert default.artifact_location == str(tmp_path / "there" / "mlruns" / "0")
    own = client.get_experiment_by_name("s")
    assert own.artifact_location == (tmp_path / "b" / "mlartifacts" / "s").as_uri()
    assert {e.name for e in client.search_experiments()} == {"Default", "s"}
    add_run(tmp_path / "b", cell := a_cell(replicates=1), 0)
    assert sync(tmp_path / "b", "s", "?", [cell]).written == 1


def test_nothing_of_a_project_is_kept(kept: Path) -> None:
    copy = kept.with_name("copy.db")
    assert new_store.copy_new_store(copy)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM experiments").fetchall() == [(0,)]
    assert b"pytest-" not in kept.read_bytes()


@pytest.mark.parametrize("what", ["a byte", "the end", "everything"])
def test_what_is_not_as_it_was_written_is_made_anew(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    content = kept.read_bytes()
    place = len(content) // 2
    damaged = {
        "a byte": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
        "the end": content[:-4096],
        "everything": b"",
    }[what]
    kept.write_bytes(damaged)
    assert migrations_in(tmp_path / "a", monkeypatch) == 1
    assert kept.read_bytes() != damaged
    assert new_store.copy_new_store(tmp_path / "copy.db")


def test_other_migrations_have_another_copy(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_store, "version", lambda library: "99")
    assert not new_store.copy_new_store(kept.with_name("copy.db"))


@pytest.mark.parametrize("cache_is", ["a file", "missing and nowhere"])
def test_without_a_folder_to_keep_it_in_mlflow_makes_each_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_is: str
) -> None:
    (tmp_path / "file").write_text("")
    where = "/proc/nowhere" if cache_is == "missing and nowhere" else str(tmp_path / "file")
    monkeypatch.setenv("XDG_CACHE_HOME", where)
    assert migrations_in(tmp_path / "a", monkeypatch) == 1
    assert migrations_in(tmp_path / "b", monkeypatch) == 1


def test_a_relative_cache_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    new_store.keep_new_store(empty_mlflow)
    assert len(list((tmp_path / "home" / ".cache" / "ablate").iterdir())) == 1
    assert not (tmp_path / "here").exists()
