"""Work on several reports at once, a process per core."""

import gc
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

_Result = TypeVar("_Result")


def for_each(
    function: Callable[[Path, str, int], _Result], root: Path, names: Sequence[str]
) -> list[_Result]:
    """Return what `function(root, name, cores)` returns for each report, in the order of `names`.

    cores  that are left for each

    The largest are begun first. Where one fails, its exception is raised and what has not begun
    does not begin; Ctrl-C ends the workers at once.
    """
    size = min(len(names), cores())
    if size < 2:
        return [_tidily(function, root, name, cores()) for name in names]
    # Not forked: who calls may have threads.
    pool = ProcessPoolExecutor(size, get_context("spawn"), begin_worker)
    try:
        started = {
            name: pool.submit(_tidily, function, root, name, cores() // size)
            for name in sorted(names, key=lambda name: -_weight(root, name))
        }
        return [started[name].result() for name in names]
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Return how many cores this process may use, not how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _weight(root: Path, name: str) -> int:
    drawings = (root / "reports" / name).glob("*.svg")
    return sum(path.stat().st_size for path in drawings)


def begin_worker() -> None:
    """Begin a process that draws: one thread, and ended by Ctrl-C."""
    # Read when numpy is imported: two threads on a core spin in each other's way.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _tidily(
    function: Callable[[Path, str, int], _Result], root: Path, name: str, cores: int
) -> _Result:
    """Call the function, and collect garbage once behind it.

    A figure is tens of thousands of objects, and looking through them all the time takes a tenth
    of the work.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return function(root, name, cores)
    finally:
        if collects:
            gc.enable()
        gc.collect()
