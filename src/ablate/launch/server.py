"""The process that workers are forked from: it makes the long imports once, and early."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path

#: Read by libraries before a worker's first line runs, so set here. One thread each: two that
#: share a core spin in each other's way (measured 50 times slower). Freed memory is kept, not
#: given back: convnets spent a third of their time on fresh pages.
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
}

#: What every worker needs: the longest imports. None of it starts a thread.
_IMPORTED = [
    "ablate.train.loop",
    "ablate.launch.ensemble_run",
    "ablate.launch.worker",
    "ablate.data.load",
]


def start_ahead() -> None:
    """Start the process before the command itself is imported, which takes as long as torch.

    What the command does later is done under its own environment, which stays as it is. Where
    nothing is to be trained, the process ends with this one.
    """
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    try:
        warm_up()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def warm_up() -> None:
    """Start the process, unless it is there; it imports beside whatever the caller does next.

    Forked, a worker starts in milliseconds, a fresh one after a crash too, and shares the memory
    that the imports take.
    """
    os.environ |= WORKER_ENVIRONMENT
    multiprocessing.set_forkserver_preload(_IMPORTED)
    with _deaf_to_interrupts():
        forkserver.ensure_running()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let what starts meanwhile ignore Ctrl-C, which is this process's to answer.

    Python's fork server does so itself once its imports are made, and until then would end with
    a traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_wanted(words: Iterable[str]) -> bool:
    """Tell whether the words of a command line are likely to train something.

    Those of a single run are; of a study only where it was never swept, as far as a name and
    the working directory tell.
    """
    first, *rest = [*words, ""]
    asks = any(word.startswith(("-h", "--help", "-c", "--cfg")) for word in rest)
    if first not in ("run", "sweep") or asks:
        return False
    names = [word.partition("=")[2] for word in rest if word.startswith("study=")]
    return not any(Path("runs", name, "index.json").exists() for name in names)
