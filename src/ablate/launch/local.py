"""The local executor: a pool of worker processes that outlives any one of them."""

import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from ablate.launch.execute import failed
from ablate.launch.job import Event, Job, Task
from ablate.launch.server import warm_up
from ablate.launch.worker import work


@dataclass(eq=False)
class _Worker:
    """A process and what it owes; the one mutable thing here, and never seen outside."""

    process: Any
    connection: Connection
    gpu: str | None
    job: Job | None = None
    left: list[Task] = field(default_factory=list)
    since: float = math.inf  # it has not begun its job, a fresh one still starts
    hung_up: bool = False


class LocalExecutor:
    """Worker processes that outlive one list of jobs, until `close`.

    They start with the first jobs, so that an executor that gets none costs nothing. A worker
    that dies or hangs costs the runs of its own job, and a fresh one takes its place.

    gpus  those that workers see, one each, in turn; none: all see what this process sees
    """

    def __init__(self, size: int, gpus: Sequence[str] = ()) -> None:
        self.size = size
        self._gpus = gpus
        self._workers: list[_Worker] = []
        warm_up()

    def close(self) -> None:
        """End all workers, those in the middle of a job at once."""
        for worker in self._workers:
            worker.process.kill() if worker.job is not None else worker.connection.close()
        for worker in self._workers:
            worker.process.join(5)
        self._workers.clear()

    def run(self, jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Event]:
        """Run `jobs` and yield what happens, see `ablate.launch.executor.Executor`."""
        waiting, pool = iter(jobs), self._workers
        limit = math.inf if timeout is None else timeout
        while True:
            while self._has_room() and (job := next(waiting, None)) is not None:
                _give(self._idle(), job)
            busy = [worker for worker in pool if worker.job is not None]
            if not busy:
                return
            ready = wait([w.connection for w in busy] + [w.process.sentinel for w in busy], 0.5)
            for worker in busy:
                if worker.connection in ready:
                    yield from _receive(worker)
                late = time.monotonic() - worker.since > limit
                # asked each time: a sentinel can stay open in a process that inherited it
                dead = worker.hung_up or (
                    not worker.process.is_alive() and not worker.connection.poll()
                )
                if worker.job is not None and (late or dead):
                    yield from _give_up(worker, f"timeout after {limit:g} s" if late else "")
                    pool[pool.index(worker)] = _start(worker.gpu)

    def _has_room(self) -> bool:
        idle = (worker for worker in self._workers if worker.job is None)
        return len(self._workers) < self.size or next(idle, None) is not None

    def _idle(self) -> _Worker:
        """Return a worker that has nothing to do, a new one where all others have."""
        idle = (worker for worker in self._workers if worker.job is None)
        if (found := next(idle, None)) is None:
            number = len(self._workers)
            gpu = self._gpus[number % len(self._gpus)] if self._gpus else None
            self._workers.append(found := _start(gpu))
        return found


def _start(gpu: str | None) -> _Worker:
    warm_up()
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    sees = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
    process = context.Process(target=work, args=(theirs, {**os.environ, **sees}), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, gpu)


def _give(worker: _Worker, job: Job) -> None:
    worker.job, worker.left, worker.since = job, list(job.tasks), math.inf
    with contextlib.suppress(OSError):  # dead already: the job comes back as failed
        worker.connection.send(job)


def _receive(worker: _Worker) -> Iterator[Event]:
    try:
        event: Event | Exception | None = worker.connection.recv()
    except (EOFError, OSError):
        worker.hung_up = True
        return
    if isinstance(event, Exception):
        raise event
    if event is None:
        worker.job = None
        return
    if event.task is None:
        worker.since = time.monotonic()
    else:
        worker.left.remove(event.task)
    yield event


def _give_up(worker: _Worker, reason: str) -> Iterator[Event]:
    """End a dead or late worker and report the runs it still owed."""
    worker.process.kill()
    worker.process.join()
    code = worker.process.exitcode
    reason = reason or (
        f"the worker process was ended by signal {-code}" if code and code < 0
        else f"the worker process ended with code {code}"
    )  # fmt: skip
    assert worker.job is not None
    for task in worker.left:
        yield failed(worker.job, task, reason, reason)
    worker.connection.close()
