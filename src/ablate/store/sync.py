"""The MLflow store rebuilt from the ledger: afterwards it says what the ledger says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.cell import LedgerCell
from ablate.store.mirror import (
    cell_metrics,
    create_parent,
    fingerprint,
    finish_cell,
    mirror_report,
    mirror_run,
    replicates_by_key,
)
from ablate.store.reader import finished
from ablate.store.result import Result
from ablate.store.tracking import all_runs, open_store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun


@dataclass(frozen=True)
class Synced:
    """How many runs of replicates were written, found up to date and deleted."""

    written: int
    kept: int
    deleted: int


def sync(
    root: Path,
    study: str,
    question: str,
    cells: Sequence[LedgerCell],
    report: Path | None = None,
) -> Synced:
    """Bring the study's experiment up to the ledger; a second call changes nothing.

    Runs that MLflow has under an old key, or twice, or half, are deleted; runs without the tag
    `ablate.kind` are somebody's own and stay. `report` is the folder of the report.
    """
    store = open_store(root, study, question, report="" if report is None else str(report))
    runs = all_runs(store)
    old = replicates_by_key(runs)
    parents = {
        run.data.tags["ablate.key"]: run
        for run in runs
        if run.data.tags.get("ablate.kind") == "cell"
    }
    wanted: set[str] = set()
    written = kept = 0
    for cell in cells:
        parent = parents.get(cell.key)
        results = [result for _, _, result in finished(root, study, cell)]
        if parent is not None and _is_outdated(parent, cell, results):
            parent = None
        parent_id = parent.info.run_id if parent else create_parent(store, cell)
        wanted.add(parent_id)
        for replicate, directory, result in finished(root, study, cell):
            print_of_run = fingerprint(cell, replicate, result)
            present = None
            for run in old.get((cell.key, result.key), []):
                tags = run.data.tags
                if tags.get("ablate.fingerprint") == print_of_run and run.info.status != "RUNNING":
                    present = run
            if present is None:
                mirror_run(store, cell, replicate, directory, parent_id)
                written += 1
                continue
            kept += 1
            wanted.add(present.info.run_id)
            if present.data.tags.get("mlflow.parentRunId") != parent_id:
                store.client.set_tag(present.info.run_id, "mlflow.parentRunId", parent_id)
        finish_cell(store, cell, parent_id)
    deleted = 0
    for run in runs:
        kind = run.data.tags.get("ablate.kind")
        if kind in ("cell", "replicate") and run.info.run_id not in wanted:
            store.client.delete_run(run.info.run_id)
            deleted += kind == "replicate"
    if report is not None and report.is_dir():
        mirror_report(store, report)
    return Synced(written, kept, deleted)


def _is_outdated(parent: MlflowRun, cell: LedgerCell, results: Sequence[Result]) -> bool:
    # Params and metrics of a run can be written and never taken back.
    gone = set(parent.data.metrics) - set(cell_metrics(cell, results))
    return bool(gone) or parent.data.params != dict(cell.levels)
