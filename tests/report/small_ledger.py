"""A small ledger that is written for frames to be read of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.records import Record
from ablate.report import ledger_frames
from ablate.report.frame import USUAL, Frames
from ablate.report.held_out import HeldOutReader
from ablate.report.stored import taken
from ablate.store.cell import LedgerCell
from ablate.store.ledger import run_directory, write_failure, write_run

DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
LAYERS, STEPS = 2, (0, 1, 40)
PROVENANCE = {
    "commit": "c0ffee", "dirty": False, "versions": {"torch": "2.6.0"}, "device": "cpu",
    "cpu": "a CPU", "data_digest": "abc", "seed": 7,
}  # fmt: skip


def frames(
    root: Path, study: str, cells: Sequence[LedgerCell], extras: Collection[str] = (),
    held_out: HeldOutReader | None = None,
) -> Frames:  # fmt: skip
    runs = ledger_frames.runs_of(root, study, cells)
    return ledger_frames.frames(root, study, runs, {*USUAL, *extras}, held_out)


def a_cell(init: str, **changes: Any) -> LedgerCell:
    values: dict[str, Any] = {
        "slug": f"init={init}", "name": init, "key": f"cell-{init}", "levels": {"init": init},
        "replicates": 3, "metric": "test/accuracy",
    }  # fmt: skip
    return LedgerCell(**(values | changes))


def a_probe(seed: int) -> Mapping[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    statistics = rng.random((len(STEPS), 3, LAYERS, 9))
    statistics[1, 2, 1, 3] = np.nan
    return {
        "layers": np.array(["layer1", "layer2"]),
        "steps": np.array(STEPS, dtype=np.int64),
        "statistics": statistics,
        "exponents": rng.integers(-9, 9, (len(STEPS), 3, LAYERS)).astype(np.int16),
        "histograms": rng.integers(0, 99, (2, 3, LAYERS, 130)).astype(np.uint32),
        "histogram_steps": np.array([0, 40]),
    }


def add_run(root: Path, cell: LedgerCell, replicate: int, branch: str = "", **changes: Any) -> Path:
    values: dict[str, Any] = {
        "metrics": {"test/accuracy": 0.9 + replicate / 100, "validation/loss": 0.5},
        "evaluations": tuple(
            {"step": 20 * e, "epoch": float(e), "lr": 0.1, "train/loss": 2.0 - e,
             "validation/loss": 2.5 - e, "validation/accuracy": 0.1 + 0.4 * e} for e in range(3)
        ),
        "evaluated_at": (0.0, 0.1, 0.2),
        "losses": np.random.default_rng(replicate).random(500, dtype=np.float32),
        "probe": a_probe(replicate),
        "parameters": 100, "multiply_adds": 90, "seconds": 1.0,
    }  # fmt: skip
    directory = run_directory(root, "s", cell.slug, replicate, branch)
    config = {"optimizer": {"name": "sgd", "lr": float(branch or 0.1)}}
    record = Record(**(values | changes))
    write_run(
        directory, record, config, f"{cell.key}-{replicate}", PROVENANCE, "2025-03-01T12:00:00Z"
    )
    return directory


def write_cells(root: Path) -> list[LedgerCell]:
    """Write a study of two cells with done, diverged, failed and missing runs."""
    cells = [a_cell("he"), a_cell("xavier")]
    for replicate in range(3):
        add_run(root, cells[0], replicate)
    add_run(
        root, cells[1], 0, nc_reason="nonfinite", diverged_at_step=30,
        metrics={}, losses=np.ones(31, np.float32), probe={},
        evaluations=({"step": 0, "epoch": 0.0, "lr": 0.1, "train/loss": 2.3},),
        evaluated_at=(0.0,),
    )  # fmt: skip
    directory = run_directory(root, "s", cells[1].slug, 1)
    write_failure(directory, "cell-xavier-1", "It broke.", "", {}, PROVENANCE, None)
    return cells


def assert_equal(one: Frames, other: Frames) -> None:
    for field in fields(Frames):
        pair = (taken(getattr(which, field.name)) for which in (one, other))
        pd.testing.assert_frame_equal(*pair)
