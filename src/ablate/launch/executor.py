"""Who trains the jobs of a sweep: the one protocol, and the executors by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ablate.config import Launch
from ablate.errors import ConfigError, one_of
from ablate.launch.device import Device, worker_count
from ablate.launch.job import Event, Job
from ablate.launch.local import LocalExecutor


class Executor(Protocol):
    """Runs jobs by `ablate.launch.execute`, in processes or on machines of its own.

    Made, it may get ready beside whatever its maker does next, but holds nothing that would have
    to be given back; from the first `run` to `close` it does.
    """

    size: int
    """How many jobs it runs at the same time."""

    def run(self, jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Event]:
        """Run `jobs`, begun in their order, and yield what happens; ends when all is done.

        jobs     asked for the next one when there is room for it, and for none after that
        timeout  seconds from the beginning of a job after which its runs are failed ones

        What goes wrong in a job or ends its process costs the runs that it had not written yet:
        they come back as failed. Raises ConfigError where the device has too little memory, and
        DiskFullError where the disk has too little room.
        """

    def close(self) -> None:
        """End at once whatever still runs: runs that are not written are simply still to do."""


#: By name; each is made with the number of jobs to run at the same time.
EXECUTORS: Mapping[str, Callable[[int], Executor]] = {"local": LocalExecutor}


def executor_of(launch: Launch, device: Device) -> Executor:
    """Return who trains the jobs of a sweep."""
    return EXECUTORS["local"](worker_count(launch.workers, device))


def refuse_launchers(word: str) -> None:
    """Raise ConfigError for a word of the command line that chooses another launcher or sweeper.

    Hydra would take it and then nobody would ask that plugin.
    """
    key, _, value = word.lstrip("+").replace("hydra.", "hydra/", 1).partition("=")
    if key.startswith("hydra/launcher"):
        raise ConfigError(f"'{word}' is not allowed: the executor of runs is {one_of(EXECUTORS)}.")
    if key.startswith("hydra/sweeper") and value != "ablate":
        raise ConfigError(f"'{word}' is not allowed: the sweeper of all studies is ablate.")
