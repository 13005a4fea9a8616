"""The MLflow store rebuilt from the ledger: afterwards it says what the ledger says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.cell import LedgerCell
from ablate.store.live import mirroring
from ablate.store.mirror import (
    cell_metrics,
    cell_params,
    create_parent,
    fingerprint,
    finish_cell,
    mirror_run,
)
from ablate.store.reader import finished
from ablate.store.report_run import ReportPage, mirror_report
from ablate.store.result import Result
from ablate.store.tracking import all_runs, open_store
from ablate.store.view import ORDER, order_tag

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
    report: ReportPage | None = None,
) -> Synced:
    """Bring the study's experiment up to the ledger; a second call changes nothing.

    Runs that MLflow has under an old key, or twice, or half, are deleted; runs without the tag
    `ablate.kind` are somebody's own and stay.
    """
    store = open_store(root, study, question, "" if report is None else report.description)
    cell_runs = all_runs(store, "tags.`ablate.kind` = 'cell'")
    replicate_runs = all_runs(store, "tags.`ablate.kind` = 'replicate'")
    parents = {run.data.tags["ablate.key"]: run for run in cell_runs}
    whole = {
        (run.data.tags.get("ablate.cell"), run.data.tags.get("ablate.fingerprint")): run
        for run in replicate_runs
        if run.info.status != "RUNNING"
    }
    written, wanted = 0, set()
    for place, cell in enumerate(cells, start=1):
        ended = list(finished(root, study, cell))
        parent = parents.get(cell.key)
        if parent is None or _is_outdated(parent, cell, [result for _, _, result in ended]):
            parent, parent_id = None, create_parent(store, cell)
        else:
            parent_id = parent.info.run_id
            if parent.info.run_name != cell.name:
                store.client.update_run(parent_id, name=cell.name)
        if parent is None or parent.data.tags.get(ORDER) != order_tag(place):
            store.client.set_tag(parent_id, ORDER, order_tag(place))
        wanted.add(parent_id)
        for replicate, _, result in ended:
            present = whole.get((cell.key, fingerprint(cell, replicate, result)))
            if present is None:
                mirror_run(store, cell, replicate, result, parent_id)
                written += 1
                continue
            wanted.add(present.info.run_id)
            if present.data.tags.get("mlflow.parentRunId") != parent_id:
                store.client.set_tag(present.info.run_id, "mlflow.parentRunId", parent_id)
        finish_cell(store, cell, parent_id, ended, parent)
    for run in (*cell_runs, *replicate_runs):
        if run.info.run_id not in wanted:
            store.client.delete_run(run.info.run_id)
    if report is not None:
        mirror_report(store, report)
    mirroring(root, study).unlink(missing_ok=True)
    kept = sum(run.info.run_id in wanted for run in replicate_runs)
    return Synced(written, kept, deleted=len(replicate_runs) - kept)


def _is_outdated(parent: MlflowRun, cell: LedgerCell, results: Sequence[Result]) -> bool:
    # Params and metrics of a run can be written and never taken back.
    gone = set(parent.data.metrics) - set(cell_metrics(cell, results))
    return bool(gone) or parent.data.params != cell_params(cell)
