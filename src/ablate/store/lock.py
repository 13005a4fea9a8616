"""Locks on files that end with their process, however that ends: `flock`, and nothing to tidy up.

They spare people a mistake, two sweeps of one study, and MLflow's database two that make it at
once. The ledger does without: some shared folders have no locks, some lock on each machine alone.
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ablate.errors import ConfigError

#: What a folder without locks answers: it has no such call, or its lock server is away.
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)


@contextmanager
def lock(root: Path, study: str) -> Iterator[None]:
    """Hold `runs/<study>/.lock` with this process's id in it.

    Raises ConfigError naming the process that holds it already, or why it cannot be made.
    """
    path = _lock_file(root, study)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        why = f"{path.parent} cannot be written to: {error.strerror}"
        raise ConfigError(f"paths.root={root}: {why}.") from error
    with file as stream:
        for _ in range(10):  # `running` holds it for a moment when it looks: no other sweep
            if _takes(stream, fcntl.LOCK_EX):
                break
            time.sleep(0.01)
        else:
            raise ConfigError(
                f"Another sweep of '{study}' is running (process {_who(*_holder(path))})."
            )
        stream.truncate(0)
        stream.write(f"{os.getpid()} {socket.gethostname()}\n")
        stream.flush()
        try:
            yield
        finally:
            # The file stays: removing it would let two processes lock two files of one name.
            stream.truncate(0)


def running(root: Path, study: str) -> int | None:
    """Return the id of the process that sweeps the study now, None where there is none.

    0 stands for a process that has locked the file and not yet said its id.
    """
    path = _lock_file(root, study)
    return _holder(path)[0] if _is_refused(path, fcntl.LOCK_SH) else None


@contextmanager
def wait_for(path: Path) -> Iterator[None]:
    """Hold a lock on `path`, waiting for other processes to let go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield


def _lock_file(root: Path, study: str) -> Path:
    return root / "runs" / study / ".lock"


def _is_refused(path: Path, kind: int) -> bool:
    """Tell whether another holder of `path` leaves no lock of this kind for us."""
    try:
        with path.open("rb") as stream:
            return not _takes(stream, kind)
    except FileNotFoundError:
        return False


def _takes(stream: IO[Any], kind: int) -> bool:
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _holder(path: Path) -> tuple[int, str]:
    """Return the id of the process that holds a lock, 0 where it has not said it, and its host."""
    for _ in range(10):
        number, _, host = path.read_text(encoding="utf-8").strip().partition(" ")
        if number.isdecimal():
            return int(number), host
        time.sleep(0.01)
    return 0, ""


def _who(process: int, host: str) -> str:
    elsewhere = f" on {host}" if host not in ("", socket.gethostname()) else ""
    return f"{process or 'unknown'}{elsewhere}"
