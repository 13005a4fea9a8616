"""What an executor is told to do, and what it tells of it."""

from dataclasses import dataclass
from pathlib import Path

from ablate.config import RunConfig


@dataclass(frozen=True)
class Task:
    """One run: the replicate whose random streams it draws from, its key and its folder.

    member    of the replicate's ensemble; 0 is the plain run
    members   folders of the trainings that an ensemble is formed from; none for a training
    """

    replicate: int
    key: str
    directory: Path
    member: int = 0
    members: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Job:
    """Runs of one cell that are trained as one stack.

    tasks   runs whose results are wanted
    beside  runs of the same block that have their results already; where numbers depend on the
            stack they are trained once more, and what is there stays
    """

    name: str
    config: RunConfig
    tasks: tuple[Task, ...]
    root: Path
    device: str
    beside: tuple[Task, ...] = ()

    @property
    def stack(self) -> tuple[Task, ...]:
        """All that train together, in the order of the block."""
        block = (*self.tasks, *self.beside)
        return tuple(sorted(block, key=lambda task: (task.member, task.replicate)))


@dataclass(frozen=True)
class Event:
    """A job began (it has no `task`), or one of its runs ended.

    status   `done`, `diverged` (not converged) or `failed`; None where the job began
    message  what there is to say beside `done`
    """

    job: Job
    task: Task | None = None
    status: str | None = None
    message: str = ""
