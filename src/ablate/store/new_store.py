"""A new SQLite store as a copy of one that MLflow itself has made on this machine before.

MLflow makes a store by dozens of migrations, in a second or more, and to the same tables each
time. What is kept of it has no experiment: MLflow adds its default one to any store that has
none, with a place for artifacts of its own choice.
"""

import os
import sqlite3
import uuid
from contextlib import closing, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ablate.store.files import sha256

#: What decides which tables a new store has, beside MLflow's migrations.
_MADE_BY = ("mlflow", "sqlalchemy", "alembic")
#: Raised where there is no room, no right, no home or no database: it costs the shortcut alone.
_COSTS_NOTHING = (OSError, RuntimeError, sqlite3.Error)


def is_new(path: Path) -> bool:
    """Tell whether MLflow would make its tables at `path`: no file, or one of no bytes."""
    return not path.exists() or path.stat().st_size == 0


def copy_new_store(path: Path) -> bool:
    """Put a new store at `path`, where `is_new`; return whether it is there now.

    False where none is kept that is byte for byte what was written, or none can be copied. The
    caller sees to it that nobody else makes a store at `path` meanwhile.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with suppress(*_COSTS_NOTHING):
        try:
            content = _kept().read_bytes()
            if content[:64].decode("ascii", "replace") != sha256(content[64:]):
                return False
            partial.write_bytes(content[64:])
            partial.replace(path)
            return True
        finally:
            partial.unlink(missing_ok=True)
    return False


def keep_new_store(path: Path) -> None:
    """Keep what MLflow has just made at `path`, whole or not at all, for the next new store."""
    with suppress(*_COSTS_NOTHING):
        kept = _kept()
        partial = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                closing(sqlite3.connect(path, timeout=1)) as made,
                closing(sqlite3.connect(partial)) as copy,
            ):
                made.backup(copy)
                with copy:
                    copy.execute("DELETE FROM experiments")
                copy.execute("VACUUM")
            content = partial.read_bytes()
            partial.write_bytes(sha256(content).encode() + content)
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)


def _kept() -> Path:
    """Return the file for new stores of these versions: their digest, then the database."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative one is to be ignored, says the XDG specification.
    folder = cache if cache.is_absolute() else Path.home() / ".cache"
    mlflow = find_spec("mlflow")
    assert mlflow is not None
    assert mlflow.origin is not None
    migrations = Path(mlflow.origin).parent / "store" / "db_migrations" / "versions"
    names = sorted(one.name for one in migrations.glob("*.py"))
    made_by = [f"{library} {version(library)}" for library in _MADE_BY]
    of_these = sha256("\n".join([sqlite3.sqlite_version, *made_by, *names]).encode())
    return folder / "ablate" / f"mlflow-{version('mlflow')}-{of_these[:16]}.new-store"
