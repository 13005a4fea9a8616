"""Locks on files that end with their process, however that ends: `flock`, and nothing to tidy up.

A study is swept by one process at a time, and the folder of a run that trains is marked.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from ablate.errors import ConfigError

_MARK = ".running"


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
                f"Another sweep of '{study}' is running (process {_holder(path) or 'unknown'})."
            )
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
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
    return _holder(path) if _is_refused(path, fcntl.LOCK_SH) else None


@contextmanager
def marked(directories: Iterable[Path]) -> Iterator[None]:
    """Mark the folders of runs as in training until the block, or the process, ends."""
    with ExitStack() as files:
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / _MARK
            # Shared: what a killed process has forked may still hold it.
            fcntl.flock(files.enter_context(path.open("w")), fcntl.LOCK_SH)
            files.callback(path.unlink, missing_ok=True)
        yield


def is_marked(directory: Path) -> bool:
    """Tell whether a living process trains the run in `directory`."""
    return _is_refused(directory / _MARK, fcntl.LOCK_EX)


@contextmanager
def wait_for(path: Path) -> Iterator[None]:
    """Hold a lock on `path`, waiting for other processes to let go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
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
    return True


def _holder(path: Path) -> int:
    for _ in range(10):
        text = path.read_text(encoding="utf-8").strip()
        if text.isdecimal():
            return int(text)
        time.sleep(0.01)
    return 0
