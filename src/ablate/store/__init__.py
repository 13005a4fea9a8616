"""The ledger, and MLflow as its mirror (`ablate.store.mirror`, imported where it is used)."""

from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.ledger import (
    compared_bytes,
    move_stale,
    run_directory,
    write_failure,
    write_run,
)
from ablate.store.lock import lock, running
from ablate.store.reader import Run, finished, read_run
from ablate.store.result import Result, read_result

__all__ = [
    "LedgerCell",
    "LedgerError",
    "Result",
    "Run",
    "compared_bytes",
    "finished",
    "lock",
    "move_stale",
    "read_result",
    "read_run",
    "run_directory",
    "running",
    "write_failure",
    "write_run",
]
