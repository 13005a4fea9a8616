"""What a run was made with: written beside its numbers, never part of its key."""

import functools
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

_PACKAGES = ("ablate", "torch", "numpy", "scipy", "pandas", "scikit-learn", "mlflow", "hydra-core")


def provenance(device: str, data_digest: str, seed: int) -> dict[str, Any]:
    """Return plain data for `result.json`; quick after the first call in a process.

    commit, dirty                  of the working directory; None outside git
    ablate_commit, ablate_dirty    of ablate's own checkout; None where it was installed
    versions                       of python and the packages that make or move numbers
    cpu, cpu_capability            model, and the vector instructions that torch uses: another
                                   set moves the last bits
    threads                        of torch in this process
    """
    commit, dirty = _git(Path.cwd())
    own_commit, own_dirty = _git(source) if (source := _own_checkout()) else (None, None)
    return {
        "commit": commit,
        "dirty": dirty,
        "ablate_commit": own_commit,
        "ablate_dirty": own_dirty,
        "versions": _versions(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "device": device,
        "data_digest": data_digest,
        "seed": seed,
        **_torch_facts(device),
    }


@functools.cache
def _git(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that `folder` is in, and whether it was changed since.

    Reports are left out: they follow from runs, and writing one must not taint the next study.
    """
    commit = _git_output(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changes = _git_output(
        folder, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)reports"
    )
    return commit, None if changes is None else bool(changes)


def _git_environment() -> dict[str, str]:
    """Return the environment without what ties git to one repository.

    A hook, `git rebase --exec` and some editors set GIT_DIR and its like for theirs. What is left
    says where the search for a repository ends, and which configuration holds.
    """
    left = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH",
            "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")  # fmt: skip
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in left}


def _git_output(folder: Path, *arguments: str) -> str | None:
    # Without optional locks: a sweep must not get in the way of a commit made meanwhile.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False, env=_git_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@functools.cache
def _own_checkout() -> Path | None:
    """Return the checkout of an editable installation.

    The folder of an ordinary installation may lie in a user's repository; that says nothing.
    """
    try:
        text = importlib.metadata.distribution("ablate").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    origin = json.loads(text) if text else {}
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(origin["url"]).path))


@functools.cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


@functools.cache
def _cpu_model() -> str:
    with suppress(OSError):  # not Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _torch_facts(device: str) -> dict[str, Any]:
    # Whoever trains has imported torch already; nobody else should pay a second for it here.
    torch: Any = sys.modules.get("torch")
    if torch is None:
        threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count()
        return {"threads": threads, "cpu_capability": None, "gpu": None}
    return {
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name(device) if device.startswith("cuda") else None,
    }
