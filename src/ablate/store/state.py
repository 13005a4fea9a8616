"""What is known of a run from its folder, and which studies have runs: said once, asked often."""

from pathlib import Path
from typing import Literal

from ablate.store.files import LedgerError
from ablate.store.reader import check_whole
from ablate.store.result import Result, read_result

#: `missing`: not begun, or interrupted. `stale`: there, but under another key: the config, the
#: data or the code behind it changed. `damaged`: a result, or a file of a
#: complete run, that is gone or is not what was written.
State = Literal["done", "not_converged", "failed", "running", "missing", "stale", "damaged"]
#: A run in one of these states need not be trained.
COMPLETE: tuple[State, ...] = ("done", "not_converged")


def state_of(result: Result | None, key: str | None) -> State:
    """Return what a result is to whoever asks for `key`; None takes any key."""
    if result is None:
        return "missing"
    if key is not None and result.key != key:
        return "stale"
    return "not_converged" if result.status == "diverged" else result.status


def state(directory: Path, key: str | None) -> tuple[State, Result | None]:
    """Return the state of the run in a folder, and its result where there is one to read.

    Whether a run is trained right now is not in its folder: see `ablate.store.journal`.
    """
    try:
        result = read_result(directory)
        known = state_of(result, key)
        if result is not None and known in COMPLETE:
            check_whole(directory, result)
    except LedgerError:
        return "damaged", None
    return known, result


def studies(root: Path) -> list[str]:
    """Return the names of the studies that were swept, alphabetically."""
    return sorted(path.parent.name for path in (root / "runs").glob("[!.]*/index.json"))
