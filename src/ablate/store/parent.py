"""The run of a cell in MLflow: what the runs below it have come to, for all who look there."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ablate.metrics import with_gaps
from ablate.store.cell import LedgerCell
from ablate.store.database import lock_file
from ablate.store.files import json_bytes, sha256
from ablate.store.held import unless_gone
from ablate.store.lock import wait_for
from ablate.store.mirror import cell_params, entity_names, log, started_at
from ablate.store.reader import Finished, finished
from ablate.store.tracking import DESCRIPTION, Store, all_runs
from ablate.store.view import ORDER, cell_description, order_tag

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

_IDENTITY = "ablate.identity"


class Outcome(Protocol):
    """What a cell's numbers are made of: how a run ended, and its final metrics."""

    @property
    def status(self) -> str:
        """Return `done`, `diverged` or `failed`."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Return the final metrics by name."""


@dataclass(frozen=True)
class _Told:
    """The outcome of a run as MLflow has it."""

    status: str
    metrics: Mapping[str, float]


def identity(cell: LedgerCell) -> str:
    """Return a digest of what must be equal where one run of MLflow is to stand for a cell.

    The first run's key has in it what a cell's own has not: the data, the kind of device, the
    user's code. Folders that differ in these have runs of their own, and no mean over both.
    """
    content = [cell.key, cell.expected(0), cell_params(cell), cell.metric]
    return sha256(json_bytes(content, Path("identity")))


def is_parent(run: MlflowRun, cell: LedgerCell) -> bool:
    """Tell whether a run of MLflow is that of the cell, whichever folder has made it."""
    known = run.data.tags.get(_IDENTITY)
    if known is None:  # of version 0.1
        return run.data.tags.get("ablate.key") == cell.key and run.data.params == cell_params(cell)
    return known == identity(cell)


def by_id(run: MlflowRun) -> str:
    """Return by what the same run comes first for everybody: MLflow knows no time of creation."""
    return str(run.info.run_id)


def start_cell(store: Store, cell: LedgerCell) -> str:
    """Return the id of the cell's run, which is made where it is missing.

    Processes of one folder wait for each other. Those of several may each make one: the first by
    id is taken by all that see it, and `ablate.store.sync` removes the others.
    """
    key = f"tags.`ablate.kind` = 'cell' and tags.`ablate.key` = '{cell.key}'"
    with wait_for(lock_file(store.root)):
        found = [run for run in all_runs(store, key) if is_parent(run, cell)]
        if not found:
            made = create_parent(store, cell)
            if not store.shared:
                return made
            found = [run for run in all_runs(store, key) if is_parent(run, cell)]
        parent = min(found, key=by_id)
        if parent.info.run_name != cell.name:
            store.client.update_run(parent.info.run_id, name=cell.name)
        return str(parent.info.run_id)


def create_parent(store: Store, cell: LedgerCell, place: int | None = None) -> str:
    """Make the cell's run, at its place among the cells, and return its id.

    `start_cell` looks for one that is there first.
    """
    tags = {
        "ablate.kind": "cell",
        "ablate.key": cell.key,
        _IDENTITY: identity(cell),
        store.ledger: "yes",
        "level": "cell",
        **({} if place is None else {ORDER: order_tag(place)}),
    }
    starts = (started_at(*one[1:]) for one in finished(store.root, store.study, cell))
    start = min((moment for moment in starts if moment is not None), default=None)
    run_id = str(store.client.create_run(store.experiment_id, start, tags, cell.name).info.run_id)
    # Another folder may have seen that it has one already.
    unless_gone(lambda: log(store, run_id, params=cell_params(cell)))
    return run_id


def finish_cell(
    store: Store,
    cell: LedgerCell,
    parent: str,
    ended: Sequence[Finished],
    others: Sequence[MlflowRun] = (),
    place: int | None = None,
    before: MlflowRun | None = None,
) -> bool:
    """Write n, n/c, mean and interval to the cell's run, in words as well, and close it.

    ended   runs of our ledger
    others  runs that count beside them, as MLflow has them from other ledgers
    place   of the cell among the study's, where that is known
    before  what MLflow has of it, where that is known: only what is new is written then

    Its status is FAILED where a run failed, KILLED where runs are missing, else FINISHED.
    Returns whether there was anything to write.
    """
    values = cell_values(cell, ended, others)
    there = {} if before is None else before.data.metrics
    now = int(1000 * time.time())
    changed = {
        (name, 0): (value, now) for name, value in values.items() if there.get(name) != value
    }
    tags = {
        DESCRIPTION: cell_description(cell.metric, values, f"runs/{store.study}/{cell.slug}"),
        _IDENTITY: identity(cell),
        store.ledger: "yes",
        **({} if place is None else {ORDER: order_tag(place)}),
    }
    old = {} if before is None else before.data.tags
    new = {name: text for name, text in tags.items() if old.get(name) != text}
    if changed or new:
        log(store, parent, metrics=changed, tags=new)
    status = "FINISHED" if len(ended) + len(others) >= cell.replicates else "KILLED"
    if values["n_failed"]:
        status = "FAILED"
    if before is not None and before.info.status == status:
        return bool(changed or new)
    starts = ((started_at(*one[1:]), one[2].seconds or 0) for one in ended)
    ends = [start + round(1000 * seconds) for start, seconds in starts if start is not None]
    ends += [run.info.end_time for run in others if run.info.end_time is not None]
    store.client.set_terminated(parent, status, max(ends, default=None))
    return True


def cell_values(
    cell: LedgerCell, ended: Sequence[Finished], others: Iterable[MlflowRun] = ()
) -> dict[str, float]:
    """Return `cell_metrics` of runs of our ledger and of others that only MLflow knows here."""
    called = entity_names([cell.metric])[cell.metric]
    outcomes: list[Outcome] = [result for _, _, result in ended]
    for run in others:
        metrics = dict(run.data.metrics)
        if called in metrics:
            metrics[cell.metric] = metrics[called]
        outcomes.append(_Told(run.data.tags.get("ablate.status", "failed"), metrics))
    return cell_metrics(cell, outcomes)


def cell_metrics(cell: LedgerCell, outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the metrics of a cell: n runs that ended by themselves, n_c of them not converged.

    `mean` and the two-sided 95 % t interval `mean_from`, `mean_to` are those of the runs that
    converged, in the metric's own unit (fractions, nats); absent where there are none, the
    interval where there is one. The order of the runs does not matter.
    """
    count = Counter(outcome.status for outcome in outcomes)
    metrics = {
        "n": float(count["done"] + count["diverged"]),
        "n_c": float(count["diverged"]),
        "n_failed": float(count["failed"]),
    }
    done = (with_gaps(outcome.metrics) for outcome in outcomes if outcome.status == "done")
    values = sorted(metrics_of[cell.metric] for metrics_of in done if cell.metric in metrics_of)
    if values:
        metrics["mean"] = math.fsum(values) / len(values)
    if len(values) > 1:
        from ablate.stats import t_interval

        metrics["mean_from"], metrics["mean_to"] = t_interval(np.array(values))
    return metrics
