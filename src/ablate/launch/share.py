"""Jobs shared with whoever else works on the study: each is trained by one of them.

The others are other processes, on this machine or another, that see the same folder. What they
have done, are doing and have left is in the ledger, in claims and in journals.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.launch.executor import Executor
from ablate.launch.job import Event, Job, Task
from ablate.launch.jobs import without
from ablate.store.claims import claim, release
from ablate.store.journal import Journal
from ablate.store.ledger import move_stale
from ablate.store.result import Result
from ablate.store.state import COMPLETE, state

#: Seconds between two looks at what others are doing.
_LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Workplace:
    """What a process works on, and with what.

    journal  in which it says what it does; by it others know that its claims hold
    """

    root: Path
    study: str
    executor: Executor
    journal: Journal
    timeout: float | None = None


def share(
    workplace: Workplace, jobs: Sequence[Job], keep_going: Callable[[], bool] = lambda: True
) -> Iterator[Event]:
    """Train those of `jobs` that nobody else has trained or is training; yield what happens.

    keep_going  asked before each job; once it is false, nothing new begins

    Ends when every run of the jobs has ended, here or elsewhere: a run that ended elsewhere comes
    as an event as well. What somebody has begun and left is begun again.
    """
    waiting: list[Job] = list(jobs)
    while waiting:
        elsewhere: list[Event] = []
        busy: list[Job] = []
        free = _free(workplace, waiting, keep_going, elsewhere, busy)
        began = False
        for event in workplace.executor.run(free, workplace.timeout):
            began = True
            _tell(workplace, event)
            yield event
            yield from elsewhere
            elsewhere.clear()
        yield from elsewhere
        waiting = busy if keep_going() else []
        if waiting and not began:
            time.sleep(_LOOK_EVERY)


def _free(
    workplace: Workplace,
    jobs: Sequence[Job],
    keep_going: Callable[[], bool],
    elsewhere: list[Event],
    busy: list[Job],
) -> Iterator[Job]:
    """Yield the jobs that are ours from now on, each less the runs that have ended elsewhere.

    elsewhere, busy  take the runs that have ended elsewhere, and the jobs that somebody else has
    """
    for job in jobs:
        if not keep_going():
            return
        left = _without_ended(workplace, job, elsewhere)
        if not left.tasks:
            continue
        if not claim(
            workplace.root, workplace.study, [task.key for task in left.tasks], workplace.journal
        ):
            busy.append(left)
            continue
        ours = _without_ended(workplace, left, elsewhere)  # between looking and claiming
        _release(workplace, set(left.tasks) - set(ours.tasks))
        if not ours.tasks:
            continue
        for task in ours.tasks:
            if (task.directory / "result.json").exists():
                move_stale(task.directory, workplace.root)
        yield ours


def _without_ended(workplace: Workplace, job: Job, elsewhere: list[Event]) -> Job:
    """Return the job without the runs that have ended since this process began to work."""
    began = workplace.journal.began
    ended = {task: found for task in job.tasks if (found := _ended(task, began))}
    elsewhere += [
        Event(job, task, result.status, result.message or "") for task, result in ended.items()
    ]
    return without(job, ended)


def _ended(task: Task, began: float) -> Result | None:
    """Return the result of a run that need not be tried, None where there is none.

    One that failed before we began is tried again, and one that failed since was tried.
    """
    known, result = state(task.directory, task.key)
    if known in COMPLETE:
        return result
    try:
        tried_at = (task.directory / "result.json").stat().st_mtime
    except OSError:
        return None
    return result if known == "failed" and tried_at > began else None


def _tell(workplace: Workplace, event: Event) -> None:
    """Keep the journal, and give up the claim of a run that has ended."""
    folder = workplace.root / "runs" / workplace.study
    if event.task is None:
        runs = (str(task.directory.relative_to(folder)) for task in event.job.tasks)
        workplace.journal.begun(runs)
    else:
        workplace.journal.ended(str(event.task.directory.relative_to(folder)), str(event.status))
        _release(workplace, {event.task})


def _release(workplace: Workplace, tasks: set[Task]) -> None:
    release(workplace.root, workplace.study, [task.key for task in tasks])
