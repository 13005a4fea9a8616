"""Which kind of device a run trains on, told without importing torch."""

import ctypes
import importlib.util
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal

from ablate.config import Launch, Local
from ablate.errors import ConfigError

Device = Literal["cpu", "cuda"]
#: In which SLURM, PBS, Grid Engine and LSF say how many cores a job has on this machine.
_CORES_VARIABLES = ("SLURM_CPUS_PER_TASK", "NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC")


def device_kind(setting: Literal["auto", "cpu", "cuda"]) -> Device:
    """Resolve `trainer.device`; raises ConfigError when CUDA is asked for and absent."""
    if setting != "cpu" and _gpu_count():
        return "cuda"
    if setting == "cuda":
        raise ConfigError(
            "trainer.device=cuda is not possible here: no CUDA device, or torch was built "
            "without CUDA; use trainer.device=cpu or auto."
        )
    return "cpu"


def device_for(setting: Literal["auto", "cpu", "cuda"], launch: Launch) -> Device:
    """Return the kind that runs will be trained on, which is not here where an engine has it.

    Raises as `device_kind` where it is this machine that trains.
    """
    if isinstance(launch, Local):
        return device_kind(setting)
    if setting != "auto":
        return setting
    return "cuda" if launch.has_gpus else "cpu"


def worker_count(asked: int | None, device: Device, gpus: int = 1) -> int:
    """Return how many processes train: one per core that is ours, or two for each GPU.

    Each of them holds the data set and an own context on the GPU; a second one computes while
    the first is between two kernels.
    """
    cores = own_cores()
    return asked or (min(2 * gpus, cores) if device == "cuda" else cores)


def gpus_of(asked: Sequence[int] | None) -> list[str]:
    """Return the GPUs to train on as `CUDA_VISIBLE_DEVICES` names them; all that are visible: None.

    Numbers count those that this process sees. Raises ConfigError for one that is not there.
    """
    count = _gpu_count()
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    names = visible[:count] or [str(number) for number in range(count)]
    for number in asked or ():
        if number >= count:
            there = f"GPUs 0 to {count - 1}" if count else "no GPU"
            raise ConfigError(
                f"launch.devices={list(asked or ())} is not allowed: here is {there}."
            )
    return [names[number] for number in asked] if asked else names


def own_cores() -> int:
    """Return how many cores this process may use, which on a shared machine are not all.

    A scheduler says it by the set of cores that it leaves us, a container by its share of their
    time, and both, where they enforce nothing, by a variable.
    """
    allowed = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()]
    with suppress(OSError, ValueError):  # `max 100000` where there is no limit
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        allowed.append(int(quota) // int(period))
    told = (os.environ.get(name, "") for name in _CORES_VARIABLES)
    allowed += [int(text) for text in told if text.isdecimal()]
    return max(1, min(count for count in allowed if count is not None))


@cache
def _gpu_count() -> int:
    """Ask the driver for GPUs and torch's version file for CUDA: importing torch costs 1 s."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return 0
    version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    if any(line.startswith("cuda") and line.endswith("None") for line in version.splitlines()):
        return 0
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int()
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return count.value if found else 0
