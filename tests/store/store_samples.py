"""Small records and cells for the tests of the store."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ablate.records import Record
from ablate.store.cell import LedgerCell
from ablate.store.ledger import run_directory, write_failure, write_run

STARTED = "2025-03-01T12:00:00.250Z"
CONFIG = {
    "data": {"name": "digits"},
    "model": {"name": "mlp", "hidden": [8, 8]},
    "optimizer": {"name": "adam", "lr": 0.0005, "eps": 1e-08},
}
PROVENANCE = {
    "commit": "c0ffee", "dirty": False, "versions": {"torch": "2.6.0"}, "device": "cpu",
    "cpu": "a CPU", "data_digest": "abc", "seed": 0,
}  # fmt: skip


def a_record(replicate: int = 0, **changes: Any) -> Record:
    rng = np.random.default_rng(replicate)
    accuracy = 0.9 + 0.01 * replicate
    fields: dict[str, Any] = {
        "metrics": {"test/accuracy": accuracy, "validation/loss": 0.25},
        "evaluations": tuple(
            {"step": 10 * e, "epoch": float(e), "lr": 0.0005, "train/loss": 2.0 - e,
             "validation/loss": 2.25 - e, "validation/accuracy": accuracy - 0.2 + 0.1 * e}
            for e in range(3)
        ),
        "evaluated_at": (0.1, 0.7, 1.3),
        "losses": rng.random(20, dtype=np.float32),
        "probe": {
            "layers": np.array(["layer1", "layer2"]),
            "steps": np.array([0, 20]),
            "statistics": rng.random((2, 3, 2, 9)),
        },
        "predictions": rng.standard_normal((30, 10)).astype(np.float16),
        "parameters": 610,
        "multiply_adds": 592,
        "seconds": 1.5,
    }  # fmt: skip
    return Record(**(fields | changes))


def a_diverged_record() -> Record:
    return a_record(nc_reason="nonfinite", diverged_at_step=7, metrics={}, predictions=None)


def a_cell(level: str = "he", replicates: int = 3, **changes: Any) -> LedgerCell:
    fields: dict[str, Any] = {
        "slug": f"init={level}-1234abcd",
        "name": f"init={level}",
        "key": f"{level}-cell-key",
        "levels": {"init": level},
        "replicates": replicates,
        "metric": "test/accuracy",
    }
    return LedgerCell(**(fields | changes))


def add_run(
    root: Path, cell: LedgerCell, replicate: int, record: Record | None = None, study: str = "s"
) -> Path:
    directory = run_directory(root, study, cell.slug, replicate)
    shutil.rmtree(directory, ignore_errors=True)  # else a run that is there would stay
    key = f"{cell.key}-{replicate}"
    write_run(directory, record or a_record(replicate), CONFIG, key, PROVENANCE, STARTED)
    return directory


def add_failure(root: Path, cell: LedgerCell, replicate: int, study: str = "s") -> Path:
    directory = run_directory(root, study, cell.slug, replicate)
    key = f"{cell.key}-{replicate}"
    write_failure(directory, key, "It broke.", "Traceback ...", CONFIG, PROVENANCE, STARTED)
    return directory
