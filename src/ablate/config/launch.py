"""The `launch` group: who trains the runs of a sweep, and how; no part of any result."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ablate.config.base import (
    ByName,
    Count,
    Frozen,
    Many,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
)
from ablate.config.target import Dotted


class _Launch(Frozen):
    timeout: PositiveFloat | None = None
    """Seconds after which a hung run is ended and counted as failed; null: never."""
    most_runs: Positive = 20_000
    """Runs that a study may have, tuning and members of an ensemble among them: more are taken for
    a slip."""
    on_error: Literal["continue", "stop"] = "continue"
    """`continue`: the other runs finish; `stop`: start nothing new."""


class Local(_Launch):
    """Processes of this machine."""

    name: Literal["local"] = "local"
    workers: Positive | None = None
    """Processes, one thread each; null: one per core that is ours, two for each GPU."""
    devices: Many[Count] | None = None
    """Numbers of the GPUs to train on, a worker on each in turn; null: all that are visible."""


class Slurm(_Launch):
    """An array of SLURM jobs, each an `ablate work` that pulls runs until none is left."""

    name: Literal["slurm"]
    workers: Positive = 4
    """Jobs of the array; they share the folder `paths.root`."""
    sbatch: Mapping[str, str | int | float | bool] | None = None
    """Options of `sbatch`, each as its long name without dashes: `{partition: gpu, time: "2:00:00",
    gpus-per-task: 1}`; true for one that takes no value."""
    detach: bool = False
    """End once the array is submitted; the same command follows it."""
    print: bool = False
    """Print the script that would be submitted, and end."""

    @property
    def has_gpus(self) -> bool:
        """Tell whether the options ask for a GPU, as `gpus-per-task` and `gres=gpu:1` do."""
        return any(
            name.startswith("gpus") or (name in ("gres", "tres-per-task") and "gpu" in str(value))
            for name, value in (self.sbatch or {}).items()
        )


class Ray(_Launch):
    """Tasks of a Ray cluster, a job each."""

    name: Literal["ray"]
    address: str | None = None
    """Of a cluster that runs, `auto` or `HOST:PORT`; null: one of this machine alone."""
    workers: Positive | None = None
    """Jobs at a time; null: as many as the cluster has room for."""
    cpus: PositiveFloat = 1.0
    """Cores of a job."""
    gpus: NonNegativeFloat = 0.0
    """GPUs of a job; a fraction shares one."""
    shares: bool = True
    """Whether the nodes see the folder `paths.root`; where not, runs come home as bytes."""

    @property
    def has_gpus(self) -> bool:
        """Tell whether jobs train on a GPU."""
        return self.gpus > 0


class FuturesLaunch(_Launch):
    """Anything that has `submit` as `concurrent.futures` has it: Dask, submitit, mpi4py, Parsl."""

    name: Literal["futures"]
    client: Dotted
    """Dotted path of a function without arguments that returns it."""
    workers: Positive = 4
    """Jobs at a time."""
    shares: bool = True
    """Whether its machines see the folder `paths.root`; where not, runs come home as bytes."""
    has_gpus: bool = False
    """Whether its machines train on a GPU."""


#: What `launch=NAME` chooses.
Launch = Local | Slurm | Ray | FuturesLaunch
#: Those by which the process itself hands out jobs.
Executed = Local | Ray | FuturesLaunch


class Launched(Frozen):
    """A config's `launch`, for its reader."""

    launch: ByName[Launch] = Field(default_factory=Local)
