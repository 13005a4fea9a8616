"""`launch=slurm`: a study trained by an array of SLURM jobs, each an `ablate work`.

What is trained where nobody here hands out: the workers share it by claims. This process submits
them, follows their journals and reports; it may end or be killed, and the same command comes back.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ablate.config import Slurm
from ablate.errors import AblateError, ConfigError
from ablate.store.journal import Ended, ended_since

#: Seconds between two looks at the journals, and how many of them go by between two at the queue.
_LOOK_EVERY = 1.0
_LOOKS_A_QUEUE = 5
_PATIENCE = 60.0


@dataclass(frozen=True)
class Array:
    """A job array that was submitted, by its id."""

    job: str


def script(study: str, root: Path, launch: Slurm) -> str:
    """Return the batch script of a study's workers."""
    options = {
        "job-name": f"ablate-{study}",
        "cpus-per-task": 1,
        "output": f"{_folder(root, study)}/slurm-%A_%a.out",
        **(launch.sbatch or {}),
        "array": f"0-{launch.workers - 1}",
    }
    lines = [
        f"#SBATCH --{name}" if value is True else f"#SBATCH --{name}={value}"
        for name, value in options.items()
        if value is not False
    ]
    limits = {"timeout": launch.timeout, "on_error": launch.on_error}
    said = [f"launch.{name}={value}" for name, value in limits.items() if value is not None]
    work = [sys.executable, "-m", "ablate", "work", study, "--root", str(root), *said]
    shard = f"--shard $SLURM_ARRAY_TASK_ID/{launch.workers}"
    return "\n".join(
        ["#!/bin/sh", *lines, f"cd {shlex.quote(os.getcwd())} && exec {shlex.join(work)} {shard}\n"]
    )


def check_here() -> None:
    """Raise ConfigError unless this machine can submit."""
    if shutil.which("sbatch") is None:
        raise ConfigError(
            "launch=slurm is not possible here: there is no sbatch on the path; where there is no "
            "SLURM, start ablate work yourself."
        )


def submitted(root: Path, study: str) -> Array | None:
    """Return the study's array that is still in the queue, None where there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        array = Array(str(json.loads(_mark(root, study).read_text(encoding="utf-8"))["job"]))
        if is_queued(array):
            return array
    return None


def submit(root: Path, study: str, launch: Slurm) -> Array:
    """Submit the study's workers; raises ConfigError with what `sbatch` says against it."""
    folder = _folder(root, study)
    folder.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("slurm-*.out"):
        log.unlink(missing_ok=True)
    text = script(study, root, launch)
    done = _asked(["sbatch", "--parsable"], text)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise ConfigError(f"launch=slurm: sbatch refuses the array: {said.rstrip('.')}.")
    array = Array(done.stdout.strip().partition(";")[0])
    _mark(root, study).write_text(json.dumps({"job": array.job}), encoding="utf-8")
    return array


def follow(
    root: Path, study: str, array: Array, console: Console, places: Mapping[str, int]
) -> Iterator[Ended]:
    """Yield the runs that the workers end, until none of them is in the queue any more.

    places  up to which their journals have been read
    """
    away = False
    for look in range(sys.maxsize):
        ended, places = ended_since(root, study, places)
        yield from ended
        if look % _LOOKS_A_QUEUE == 0:
            try:
                if not is_queued(array):
                    yield from ended_since(root, study, places)[0]
                    return
                away = False
            except ControllerAwayError as error:
                if not away:  # once: workers need no controller
                    console.out(f"{error} The workers go on without it.", style="yellow")
                away = True
        time.sleep(_LOOK_EVERY)


class ControllerAwayError(AblateError):
    """SLURM does not answer, which says nothing of the jobs."""


def is_queued(array: Array) -> bool:
    """Tell whether a job of the array runs or waits; raises ControllerAwayError for no answer."""
    done = _asked(["squeue", "--noheader", "--jobs", array.job, "--format", "%T"])
    if done.returncode == 0:
        return bool(done.stdout.strip())
    if "Invalid job id" in done.stderr:  # forgotten: it ended some minutes ago
        return False
    said = (done.stderr.strip().splitlines() or ["no word"])[-1]
    raise ControllerAwayError(f"squeue gives no answer: {said.rstrip('.')}.")


def _asked(command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ControllerAwayError(f"{command[0]} gives no answer within {_PATIENCE:g} s.") from None


def _folder(root: Path, study: str) -> Path:
    return root / "runs" / study / ".workers"


def _mark(root: Path, study: str) -> Path:
    return _folder(root, study) / "slurm.json"
