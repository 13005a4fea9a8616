"""The `launch` group: who trains the runs of a sweep, and how; no part of any result."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ablate.config.base import ByName, Frozen, Positive, PositiveFloat


class Local(Frozen):
    """Processes of this machine."""

    name: Literal["local"] = "local"
    workers: Positive | None = None
    """Processes, one thread each; null: one per core that is ours, two on a GPU."""
    timeout: PositiveFloat | None = None
    """Seconds after which a hung run is ended and counted as failed; null: never."""
    most_runs: Positive = 20_000
    """Runs that a study may have, tuning and members of an ensemble among them: more are taken for
    a slip."""
    on_error: Literal["continue", "stop"] = "continue"
    """`continue`: the other runs finish; `stop`: start nothing new."""


class Slurm(Frozen):
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
    timeout: PositiveFloat | None = None
    """Seconds after which a hung run is ended and counted as failed; null: never."""
    most_runs: Positive = 20_000
    """Runs that a study may have; as of `local`."""
    on_error: Literal["continue", "stop"] = "continue"
    """As of `local`, of each worker."""


#: What `launch=NAME` chooses.
Launch = Local | Slurm


class Launched(Frozen):
    """A config's `launch`, for its reader."""

    launch: ByName[Launch] = Field(default_factory=Local)


def asks_for_gpus(options: Mapping[str, Any]) -> bool:
    """Tell whether options of `sbatch` ask for a GPU, as `gpus-per-task` and `gres=gpu:1` do."""
    return any(
        name.startswith("gpus") or (name in ("gres", "tres-per-task") and "gpu" in str(value))
        for name, value in options.items()
    )
