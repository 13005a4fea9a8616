"""How an entry comes into the ledger: whole, by one rename, and the first one that is good stays.

No lock is needed for it. Several workers may train the same run, on machines that know nothing of
each other: it has the same numbers, and whoever comes second leaves what is there.
"""

import errno
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ablate.store.clock import now_at
from ablate.store.files import LedgerError
from ablate.store.result import read_result

#: How the name of an entry ends that is being written; it begins with a dot.
_STAGED = ".staged"
#: An entry is written within milliseconds: one that is older was left by a process that was killed.
_ABANDONED_AFTER = 600.0
#: What a rename raises where an entry is there: by its manual either.
_THERE = (errno.ENOTEMPTY, errno.EEXIST)
_TRIES = 100


def commit(directory: Path, files: Mapping[str, bytes], key: str) -> bool:
    """Put an entry of these files in place; return whether it is ours that lies there now.

    A complete entry under the same key stays. What else lies there is replaced: it has failed, or
    is damaged, or was not finished by an older version; `move_stale` keeps it, called before.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    staged = _beside(directory)
    staged.mkdir()
    try:
        for name, content in files.items():
            (staged / name).write_bytes(content)
        for _ in range(_TRIES):
            try:
                staged.rename(directory)
                return True
            except OSError as error:
                if error.errno not in _THERE:
                    raise
            if _is_good(directory, key):
                return False
            _remove(directory)
        raise FileExistsError(errno.EEXIST, "somebody else writes it again and again", directory)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what killed processes were writing below `folder` when they ended."""
    for staged in folder.rglob(f".*{_STAGED}"):
        with suppress(OSError):
            if now_at(folder) - staged.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(staged)


def _beside(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}.{uuid.uuid4().hex}{_STAGED}")


def _is_good(directory: Path, key: str) -> bool:
    """Tell whether a run that ended by itself lies there under this key."""
    try:
        result = read_result(directory)
    except LedgerError:
        return False
    return result is not None and result.key == key and result.status != "failed"


def _remove(directory: Path) -> None:
    """Take an entry out of its place, by one rename as well: nobody sees a half of it."""
    aside = _beside(directory)
    with suppress(FileNotFoundError):  # somebody else was faster
        directory.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
