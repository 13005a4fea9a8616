"""An executor over anything that has `submit`: Ray, Dask, submitit, a pool of MPI.

An engine hands jobs out, and its process does with one what this machine's pool does: it runs the
job in a worker process of its own, so that isolation, timeouts and advice are the same everywhere.
"""

import os
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ablate import user
from ablate.errors import AblateError
from ablate.launch.execute import failed, room_for
from ablate.launch.job import Event, Job, Task
from ablate.launch.local import LocalExecutor
from ablate.store.adopt import adopt_entry, entry_files

#: Seconds between two looks at what is under way.
_LOOK_EVERY = 0.05
#: How often a job is handed out whose process the engine loses.
_TRIES = 2


class Future(Protocol):
    """What an engine returns for a job."""

    def done(self) -> bool:
        """Tell whether it has ended."""

    def result(self) -> Any:
        """Return what the function has returned, or raise what it has, or what befell it."""

    def cancel(self) -> Any:
        """End it, or see that it does not begin."""


class Client(Protocol):
    """An engine, as `concurrent.futures`, Dask and many others have it."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Call a function with arguments somewhere."""


#: The files of an entry by name, `config.yaml` among them.
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Away:
    """What comes back from a job: its events, and where no folder is shared the entries.

    files  by replicate and member
    """

    events: tuple[Event, ...]
    files: Mapping[tuple[int, int], Files]


@dataclass(frozen=True)
class Asker:
    """Who hands out a job.

    sweep   another for each, also for the next one of the same study
    folder  the working directory
    code    folders of the user's own code that the job needs
    """

    sweep: str
    folder: str
    code: tuple[str, ...] = ()


class Futures:
    """Keeps `size` jobs with an engine.

    shares  whether the engine's machines see the folder of the job; where they do not, runs are
            trained in a folder of theirs and come home as bytes
    close   what ends the engine's own connection
    """

    def __init__(
        self,
        client: Client,
        size: int,
        shares: bool = True,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.size = size
        self._client, self._shares, self._close = client, shares, close
        self._sweep = uuid.uuid4().hex
        self._under_way: dict[Future, Job] = {}
        self._formed = LocalExecutor(1)  # what is formed from members is formed where they lie

    def close(self) -> None:
        """Cancel what is under way, and leave the engine."""
        for future in self._under_way:
            with suppress(Exception):  # it may be gone with its engine
                future.cancel()
        self._under_way.clear()
        self._formed.close()
        self._close()

    def run(self, jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Event]:
        """Run `jobs` and yield what happens, see `ablate.launch.executor.Executor`.

        A job begins when it is handed out: the engine does not say more.
        """
        waiting, tries = iter(jobs), Counter[tuple[Task, ...]]()
        again: list[Job] = []
        while True:
            while len(self._under_way) < self.size and (job := _next(again, waiting)) is not None:
                if job.tasks[0].members:
                    yield from self._formed.run([job], timeout)
                    continue
                tries[job.tasks] += 1
                if tries[job.tasks] == 1:
                    yield Event(job)
                call = run_here if self._shares else run_away
                self._under_way[self._client.submit(call, job, timeout, self._asker(job))] = job
            if not self._under_way:
                return
            ended = [future for future in self._under_way if future.done()]
            if not ended:
                time.sleep(_LOOK_EVERY)
            for future in ended:
                job = self._under_way.pop(future)
                try:
                    away: Away = future.result()
                except AblateError:
                    raise
                except Exception as error:  # whatever an engine raises for what it has lost
                    if tries[job.tasks] < _TRIES:
                        again.append(job)
                        continue
                    yield from _lost(job, error)
                    continue
                yield from _come_home(job, away)

    def _asker(self, job: Job) -> Asker:
        code = (os.path.abspath(job.root / one) for one in user.folders(job.config, job.root))
        return Asker(self._sweep, os.getcwd(), tuple(code))


def run_here(job: Job, timeout: float | None, asker: Asker) -> Away:
    """Run a job in a worker process of this one, from the working directory of who asks for it."""
    with suppress(OSError):  # a machine may not have that folder
        os.chdir(asker.folder)
    pool = _own_pool(asker, job.config.trainer.cpu_capability)
    return Away(tuple(pool.run([job], timeout)), {})


def run_away(job: Job, timeout: float | None, asker: Asker) -> Away:
    """Run a job below a folder of this machine, and return what it leaves there."""
    with tempfile.TemporaryDirectory(prefix="ablate-") as there:
        root = Path(there)
        at = {_place(task): root / "runs" / "away" / f"{task.replicate}-{task.member}"
              for task in job.stack}  # fmt: skip
        moved = _moved(job, root, at)
        away = run_here(moved, timeout, asker)
        ended = [event.task for event in away.events if event.task is not None]
        files = {_place(task): entry_files(task.directory) for task in ended}
    home = {_place(task): task for task in job.stack}
    events = (
        replace(event, job=job, task=event.task and home[_place(event.task)])
        for event in away.events
    )
    return Away(tuple(events), files)


def _moved(job: Job, root: Path, at: Mapping[tuple[int, int], Path]) -> Job:
    def moved(tasks: Iterable[Task]) -> tuple[Task, ...]:
        return tuple(replace(task, directory=at[_place(task)]) for task in tasks)

    return replace(job, root=root, tasks=moved(job.tasks), beside=moved(job.beside))


def _place(task: Task) -> tuple[int, int]:
    return task.replicate, task.member


#: This process's pools, kept from job to job: a worker's imports take seconds. One for each
#: `trainer.cpu_capability`, which a process reads once, and for each set of code.
_pools: dict[tuple[Asker, str], LocalExecutor] = {}
#: What stands on the path for the user's own code.
_reached: list[str] = []


def _own_pool(asker: Asker, cpu_capability: str) -> LocalExecutor:
    """Return the pool for a job, with the code that it needs within reach.

    An engine's process may live for weeks: what an earlier sweep has imported may be other code by
    now, or that of another folder, and goes with its pools.
    """
    for key in [key for key in _pools if key[0].sweep != asker.sweep]:
        _pools.pop(key).close()
    while _reached:
        with suppress(ValueError):
            sys.path.remove(_reached.pop())
    _reached.extend(folder for folder in asker.code if folder not in sys.path)
    sys.path += _reached
    if (asker, cpu_capability) not in _pools:
        _pools[asker, cpu_capability] = LocalExecutor(1)
    return _pools[asker, cpu_capability]


def _next(again: list[Job], waiting: Iterator[Job]) -> Job | None:
    return again.pop() if again else next(waiting, None)


def _come_home(job: Job, away: Away) -> Iterator[Event]:
    """Yield the events of a job that has ended but its beginning; put its entries in the ledger."""
    for event in away.events:
        if (task := event.task) is None:
            continue
        try:
            if (files := away.files.get(_place(task))) is not None:
                with room_for(task):
                    adopt_entry(task.directory, files, task.key)
        except OSError as error:  # somebody else's folder, as in `execute`
            yield failed(job, task, f"{type(error).__name__}: {error}", str(error))
            continue
        yield event


def _lost(job: Job, error: Exception) -> Iterator[Event]:
    said = f"the engine has lost it twice ({type(error).__name__}: {error})".split("\n")[0]
    for task in job.tasks:
        yield failed(job, task, said, said)
