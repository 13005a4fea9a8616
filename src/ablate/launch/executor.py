"""Who trains the jobs of a sweep: the one protocol, and the executors by name."""

from collections.abc import Iterable, Iterator
from typing import Protocol, get_args

from ablate.config import Executed, Launch
from ablate.config.launch import FuturesLaunch, Ray
from ablate.config.target import Target
from ablate.errors import ConfigError, one_of
from ablate.launch.device import Device, gpus_of, worker_count
from ablate.launch.futures import Futures
from ablate.launch.job import Event, Job
from ablate.launch.local import LocalExecutor
from ablate.user import bound


class Executor(Protocol):
    """Runs jobs by `ablate.launch.execute`, in processes or on machines of its own.

    Made, it may get ready beside whatever its maker does next.
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


def executor_of(launch: Executed, device: Device) -> Executor:
    """Return who trains the jobs of a sweep; raises ConfigError where an engine is not there."""
    match launch:
        case Ray():
            from ablate.launch.ray import ray_executor

            return ray_executor(launch)
        case FuturesLaunch():
            client = bound(Target(target=launch.client), "launch.client")()
            ends = (getattr(client, name, None) for name in ("close", "shutdown"))
            end = next(filter(None, ends), lambda: None)
            return Futures(client, launch.workers, launch.shares, end)
        case _:
            gpus = gpus_of(launch.devices) if device == "cuda" else []
            return LocalExecutor(worker_count(launch.workers, device, len(gpus)), gpus)


def refuse_launchers(word: str) -> None:
    """Raise ConfigError for a word of the command line that chooses another launcher or sweeper.

    Hydra would take it and then nobody would ask that plugin.
    """
    key, _, value = word.lstrip("+").replace("hydra.", "hydra/", 1).partition("=")
    if key.startswith("hydra/launcher"):
        names = [get_args(one.model_fields["name"].annotation)[0] for one in get_args(Launch)]
        raise ConfigError(f"'{word}' is not allowed: who trains is said by launch={one_of(names)}.")
    if key.startswith("hydra/sweeper") and value != "ablate":
        raise ConfigError(f"'{word}' is not allowed: the sweeper of all studies is ablate.")
