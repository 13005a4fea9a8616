"""Which runs are in training now: a locked file in each, whose lock ends with the worker."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_MARK = ".running"


@contextmanager
def marked(directories: Iterable[Path]) -> Iterator[None]:
    """Mark the folders of runs as in training until the block, or the process, ends."""
    paths = [directory / _MARK for directory in directories]
    with ExitStack() as files:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(files.enter_context(path.open("w")), fcntl.LOCK_SH)
        yield
        for path in paths:
            path.unlink(missing_ok=True)


def is_marked(directory: Path) -> bool:
    """Tell whether a living worker trains the run in `directory`."""
    try:
        with (directory / _MARK).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
