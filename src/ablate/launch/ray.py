"""`launch=ray`: jobs as tasks of a Ray cluster."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ablate.config.launch import Ray
from ablate.errors import ConfigError
from ablate.launch.futures import Futures

#: What a task takes over of the process that hands it out, as far as it is set.
_PASSED_ON = (
    "PYTHONPATH", "ABLATE_DATA_DIR", "MKL_CBWR", "ATEN_CPU_CAPABILITY", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
#: Seconds that a cluster may take to answer at all.
_PATIENCE = 10.0
#: Set before Ray is imported, and only where the user has not decided.
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class _Task:
    """A task as a future. `ray` is the module, which only those import who use it."""

    ray: Any
    reference: Any

    def done(self) -> bool:
        ended, _ = self.ray.wait([self.reference], timeout=0)
        return bool(ended)

    def result(self) -> Any:
        return self.ray.get(self.reference)

    def cancel(self) -> None:
        self.ray.cancel(self.reference, force=True)


@dataclass(frozen=True)
class _Client:
    ray: Any
    options: dict[str, float]

    def submit(self, function: Callable[..., Any], *arguments: Any) -> _Task:
        # It is handed out again by us, who know whether the run or its machine was lost.
        remote = self.ray.remote(max_retries=0, **self.options)(function)
        return _Task(self.ray, remote.remote(*arguments))


def ray_executor(launch: Ray) -> Futures:
    """Return an executor on a cluster; raises ConfigError where there is none, or no room in it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        ray: Any = import_module("ray")
    except ImportError:
        raise ConfigError("launch=ray needs Ray: pip install 'ablate[ray]'.") from None
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # One of its own listens here alone: by default it would on every interface of the machine.
    here: dict[str, Any] = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    try:
        _check_port(launch.address)
        ray.init(
            address=launch.address or "local",
            runtime_env={"env_vars": variables},
            log_to_driver=False,
            logging_level="ERROR",
            **({} if launch.address else here),
        )
    except (OSError, RuntimeError, ValueError) as error:
        said = str(error).strip().partition("\n")[0].rstrip(".")
        address = launch.address or "null"
        raise ConfigError(f"launch.address={address}: Ray gives no answer: {said}.") from error
    options = {"num_cpus": launch.cpus, "num_gpus": launch.gpus}
    there = ray.cluster_resources()
    room = int(there.get("CPU", 0) / launch.cpus)
    if launch.gpus:
        room = min(room, int(there.get("GPU", 0) / launch.gpus))
    if room < 1:
        ray.shutdown()
        raise ConfigError(
            f"launch.cpus={launch.cpus:g} and launch.gpus={launch.gpus:g} are more than the Ray "
            f"cluster has: {there.get('CPU', 0):g} cores, {there.get('GPU', 0):g} GPUs."
        )
    return Futures(_Client(ray, options), launch.workers or room, launch.shares, ray.shutdown)


def _check_port(address: str | None) -> None:
    """Raise OSError where nobody listens at HOST:PORT, for which Ray would wait minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE).close()
