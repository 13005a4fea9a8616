"""The database behind MLflow: where it is, whether it can be used, and where its artifacts lie."""

import os
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ablate.errors import AblateError, reason
from ablate.secrets import masked
from ablate.store.lock import wait_for

# Seconds that a database on another machine may take to answer at all.
_PATIENCE = 1.5
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
# Waits until no other connection has the lock; it is let go when ours ends. The number is any.
_LOCKS = {
    "postgresql": "SELECT pg_advisory_lock(5544201311)",
    "mysql": "SELECT GET_LOCK('ablate', 600)",
}


class StoreError(AblateError):
    """MLflow's database cannot be used."""


def tracking_uri(root: Path) -> str:
    """Return `MLFLOW_TRACKING_URI`, or the SQLite store under the root, as an absolute address."""
    # An address, not a path: these two mean something in it.
    folder = str(root.resolve()).replace("%", "%25").replace("?", "%3F")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder}/mlflow.db"


def check_database(root: Path) -> None:
    """Raise StoreError, at once, where the store is a database that cannot be used.

    MLflow would try ten times within a minute and a half.
    """
    uri = tracking_uri(root)
    path = database_file(uri)
    if path is None:
        if uri.partition(":")[0].partition("+")[0] in _PORTS:
            _check_server(uri)
        return
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise sqlite3.OperationalError("it is no file")
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
            database.execute("SELECT count(*) FROM sqlite_master")
            if path.stat().st_size:
                database.execute("BEGIN IMMEDIATE")
    except (sqlite3.Error, OSError) as error:
        if "locked" in str(error):
            return  # in use, not damaged: MLflow waits for its turn
        raise StoreError(
            f"MLflow's store {path} cannot be used: {reason(error)}; "
            "move it away, and `ablate sync` makes it anew."
        ) from error


def _check_server(uri: str) -> None:
    """Raise StoreError where the database server of an address does not let anybody in."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        address = make_url(uri)
        if address.host:
            port = address.port or _PORTS[address.get_backend_name()]
            socket.create_connection((address.host, port), _PATIENCE).close()
        create_engine(address, poolclass=NullPool).connect().close()
    except (SQLAlchemyError, OSError, ImportError, ValueError) as error:
        # Of a driver's error, which tells of SQLAlchemy's pages as well.
        said = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        raise StoreError(
            f"MLflow's store {masked(uri)} cannot be opened: {masked(said[0]).rstrip('.')}; "
            "all runs are in the ledger, and `ablate sync` brings it up to date."
        ) from error


def lock_file(root: Path) -> Path:
    """Return the file by whose lock processes of this machine take turns with the store."""
    path = database_file(tracking_uri(root)) or root.resolve() / "mlflow.db"
    return path.with_name(f"{path.name}.lock")


@contextmanager
def opening(root: Path) -> Iterator[None]:
    """Let one process at a time open the store: MLflow makes missing tables without asking.

    Of two that begin to make them at once, one at least fails, and SQLite's are broken then. They
    wait for each other by a file, and where they share a database by a lock in it; a server has
    opened its store before it answers anybody.
    """
    uri = tracking_uri(root)
    with wait_for(lock_file(root)):
        lock = _LOCKS.get(uri.partition(":")[0].partition("+")[0])
        if lock is None:
            yield
            return
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        # Of no transaction: one that stays open would have MLflow's migrations wait for it.
        engine = create_engine(uri, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(lock))
            yield


def follow_move(root: Path) -> None:
    """Let a store under the root have its artifacts under the root too: the folder was moved.

    MLflow keeps whole addresses and has no call that changes them. A store of the user's own
    choice is left alone.
    """
    path = root.resolve() / "mlflow.db"
    if database_file(tracking_uri(root)) != path or not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        there = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        rows = () if "experiments" not in there else database.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ).fetchall()  # fmt: skip
        for number, name, was in rows:
            now = artifacts_address(root, name)
            if was and was != now and was.endswith(f"/mlartifacts/{quote(name)}"):
                change = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
                database.execute(change, (now, number))
                database.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                    "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                    (now, len(was) + 1, number, len(was) + 1, f"{was}/"),
                )


def keep_journals() -> None:
    """Let SQLAlchemy, and so MLflow, keep the journal's file of a SQLite store between commits.

    SQLite deletes it at each, which is as safe and where the disk is busy takes ten times as long;
    a run is seven commits.
    """
    from sqlalchemy import Engine, event

    if not event.contains(Engine, "connect", _keep_journal):
        event.listen(Engine, "connect", _keep_journal)


def _keep_journal(connection: Any, record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.Error):  # what is wrong with the file is for the first query to say
            # Somebody's write-ahead log stays.
            if connection.execute("PRAGMA journal_mode").fetchone() == ("delete",):
                connection.execute("PRAGMA journal_mode = PERSIST")


def database_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other."""
    name = unquote(uri.removeprefix("sqlite:///").partition("?")[0])
    return Path(name).absolute() if name and uri.startswith("sqlite:///") else None


def artifacts_address(root: Path, study: str) -> str:
    """Return the address of a study's artifacts below the root.

    For a database that several folders or machines write to, `MLFLOW_DEFAULT_ARTIFACT_ROOT` says
    where all of them can: a study's artifacts lie where the folder that came first has put them.
    """
    path = root.resolve() / "mlartifacts"
    chosen = os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT", "")
    if chosen and database_file(tracking_uri(root)) != path.with_name("mlflow.db"):
        if "://" in chosen:
            return f"{chosen.rstrip('/')}/{quote(study)}"
        path = Path(chosen).absolute()
    return (path / study).as_uri()
