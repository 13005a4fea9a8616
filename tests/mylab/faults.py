"""A training procedure with all the ways to go wrong, until somebody has repaired it."""

import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np


def fit(config, data, streams, how="well", repaired=""):
    """Fail as `how` says, unless the file `repaired` is there."""
    if not Path(repaired).exists():
        _FAULTS[how]()
    return {"test/accuracy": streams.numpy("init", "x").uniform()}


def _raises():
    raise RuntimeError("the loss went for a walk")


def _exits():
    sys.exit("had enough")


def _ends_the_process():
    os._exit(5)


def _is_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def _needs_too_much_memory():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, hard))
    try:
        np.ones(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _hangs():
    time.sleep(600)


_FAULTS = {
    "well": lambda: None,
    "raises": _raises,
    "exits": _exits,
    "ends": _ends_the_process,
    "killed": _is_killed,
    "memory": _needs_too_much_memory,
    "hangs": _hangs,
}
