"""Waiting for what can be seen, never for a time in which it should have happened."""

import time
from collections.abc import Callable

#: As long as the slowest machine may take, in seconds; a test that passes never waits for it.
CEILING = 240


def until(condition: Callable[[], object], what: str) -> None:
    """Return once `condition` holds; fail with `what` was awaited after `CEILING` seconds."""
    end = time.monotonic() + CEILING
    while not condition():
        assert time.monotonic() < end, f"waited {CEILING} s in vain: {what}"
        time.sleep(0.02)
