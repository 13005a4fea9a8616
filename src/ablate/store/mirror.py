"""Runs of the ledger as runs of MLflow: a parent per cell, a child per replicate.

Nothing here is ever read back into a report. What is written depends on the ledger alone, so
`ablate.store.sync` can rebuild it.
"""

from __future__ import annotations

import math
import posixpath
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from ablate.metrics import with_gaps
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError, json_bytes, sha256
from ablate.store.ledger import run_directory
from ablate.store.lock import wait_for
from ablate.store.reader import Finished, finished, read_evaluations, read_times, tuned_value
from ablate.store.result import CONFIG, Result
from ablate.store.tracking import DESCRIPTION, Store, all_runs
from ablate.store.view import cell_description

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

#: Letters that MLflow takes of a name.
_LONGEST = 250
_STATUS = {"done": "FINISHED", "diverged": "FINISHED", "failed": "FAILED"}


def entity_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return what params or metrics of these names are called in MLflow, no two alike.

    Letters, digits and `_-. :/` are allowed, in what is no path to somewhere else, and 250 of
    them; a name that is well already keeps its own, unless it is `taken`.
    """
    found: dict[str, str] = {}
    used = set(taken)
    # Those that stay as they are choose first.
    for name in sorted(names, key=lambda name: (_allowed(name) != name, name)):
        clean = _allowed(name)
        numbers = (f"{clean[: _LONGEST - 4]} {number}" for number in count(2))
        found[name] = next(free for free in chain([clean], numbers) if free not in used)
        used.add(found[name])
    return found


def _allowed(name: str) -> str:
    clean = posixpath.normpath(re.sub(r"[^/\w.\- :]", "_", name).lstrip("/"))
    clean = f"_{clean}" if clean == "." or clean.startswith("..") else clean
    return clean[:_LONGEST].rstrip("/")


def cell_params(cell: LedgerCell) -> dict[str, str]:
    """Return the params of a cell's runs: its levels, beside what a replicate has itself."""
    names = entity_names(cell.levels, taken=("replicate", *filter(None, [cell.tuned])))
    return {names[name]: level for name, level in cell.levels.items()}


def start_cell(store: Store, cell: LedgerCell) -> str:
    """Return the id of the cell's parent run, which is made where it is missing.

    Safe in several processes at once on one machine: one of them makes it.
    """
    key = f"tags.`ablate.kind` = 'cell' and tags.`ablate.key` = '{cell.key}'"
    with wait_for(store.root.resolve() / "mlflow.db.lock"):
        found = all_runs(store, key)
        if not found:
            return create_parent(store, cell)
        run_id = str(found[0].info.run_id)
        if found[0].info.run_name != cell.name:
            store.client.update_run(run_id, name=cell.name)
        return run_id


def create_parent(store: Store, cell: LedgerCell) -> str:
    """Make the cell's parent run and return its id; `start_cell` looks for an old one first."""
    tags = {
        "ablate.kind": "cell",
        "ablate.key": cell.key,
        "level": "cell",
    }
    starts = (_start(*one[1:]) for one in finished(store.root, store.study, cell))
    start = min((moment for moment in starts if moment is not None), default=None)
    run_id = str(store.client.create_run(store.experiment_id, start, tags, cell.name).info.run_id)
    _log(store, run_id, cell_params(cell), {})
    return run_id


def mirror_run(store: Store, cell: LedgerCell, replicate: int, result: Result, parent: str) -> None:
    """Write one run that ended as a child of `parent`.

    Any run with this key that MLflow has already is to be deleted before.
    """
    directory = run_directory(store.root, store.study, cell.slug, replicate)
    started = _start(directory, result)
    may_miss = {
        "mlflow.source.git.commit": result.provenance.get("commit"),
        "ablate.nc_reason": result.nc_reason,
        DESCRIPTION: result.message,
    }
    tags = {
        "mlflow.parentRunId": parent,
        "ablate.kind": "replicate",
        "ablate.key": result.key,
        "ablate.cell": cell.key,
        "ablate.fingerprint": fingerprint(cell, replicate, result),
        "ablate.status": result.status,
        "ablate.path": f"{store.study}/{cell.slug}/{replicate}",
        **{name: value for name, value in may_miss.items() if value},
    }
    name = f"{cell.name} · {replicate}"
    run = store.client.create_run(store.experiment_id, started, tags, name)
    run_id = str(run.info.run_id)
    params: dict[str, Any] = {**cell_params(cell), "replicate": replicate}
    if cell.tuned is not None and (value := tuned_value(directory, cell.tuned, result)) is not None:
        params[cell.tuned] = value
    _log(store, run_id, params, _run_metrics(directory, result, started or 0))
    files = {name: result.path_of(directory, name) for name in (CONFIG, "error.log")}
    _log_files(store, run, {name: path for name, path in files.items() if path.exists()})
    end = None if started is None else started + round(1000 * (result.seconds or 0))
    store.client.set_terminated(run_id, _STATUS[result.status], end)


def finish_cell(
    store: Store,
    cell: LedgerCell,
    parent: str,
    ended: Sequence[Finished],
    before: MlflowRun | None = None,
) -> None:
    """Write n, n/c, mean and interval to the cell's parent run, in words as well, and close it.

    before  what MLflow has of it, where that is known: only what is new is written then

    Its status is FAILED where a run failed, KILLED where runs are missing, else FINISHED.
    """
    values = cell_metrics(cell, [result for _, _, result in ended])
    there = {} if before is None else before.data.metrics
    changed = {name: value for name, value in values.items() if there.get(name) != value}
    if changed:
        now = int(1000 * time.time())
        _log(store, parent, {}, {(name, 0): (value, now) for name, value in changed.items()})
    status = "FINISHED" if len(ended) == cell.replicates else "KILLED"
    if values["n_failed"]:
        status = "FAILED"
    note = cell_description(cell.metric, values, f"runs/{store.study}/{cell.slug}")
    if before is None or before.data.tags.get(DESCRIPTION) != note:
        store.client.set_tag(parent, DESCRIPTION, note)
    if before is None or before.info.status != status:
        starts = ((_start(*one[1:]), one[2].seconds or 0) for one in ended)
        ends = [start + round(1000 * seconds) for start, seconds in starts if start is not None]
        store.client.set_terminated(parent, status, max(ends, default=None))


def cell_metrics(cell: LedgerCell, results: Sequence[Result]) -> dict[str, float]:
    """Return the parent's metrics: n runs that ended by themselves, n_c of them not converged.

    `mean` and the two-sided 95 % t interval `mean_from`, `mean_to` are those of the runs that
    converged, in the metric's own unit (fractions, nats); absent where there are none, the
    interval where there is one.
    """
    count = Counter(result.status for result in results)
    metrics = {
        "n": float(count["done"] + count["diverged"]),
        "n_c": float(count["diverged"]),
        "n_failed": float(count["failed"]),
    }
    done = (with_gaps(result.metrics) for result in results if result.status == "done")
    values = [metrics_of[cell.metric] for metrics_of in done if cell.metric in metrics_of]
    if values:
        metrics["mean"] = math.fsum(values) / len(values)
    if len(values) > 1:
        from ablate.stats import t_interval

        metrics["mean_from"], metrics["mean_to"] = t_interval(np.array(values))
    return metrics


def fingerprint(cell: LedgerCell, replicate: int, result: Result) -> str:
    """Return a digest of what a child run is made from: equal means that it is up to date."""
    content = {
        "cell": [cell.name, cell.slug, dict(cell.levels), cell.tuned, replicate],
        "result": [result.status, result.key, dict(result.metrics), dict(result.digests)],
        "seconds": result.seconds,
        "message": result.message,
    }
    return sha256(json_bytes(content, Path("fingerprint")))


def _run_metrics(
    directory: Path, result: Result, started: int
) -> dict[tuple[str, int], tuple[float, int]]:
    """Return value and time (ms since 1970) by name and step; final values at the last step."""
    _, seconds = read_times(directory, result)
    evaluations = read_evaluations(directory, result)
    metrics: dict[tuple[str, int], tuple[float, int]] = {}
    step = 0
    for evaluation, second in zip(evaluations, chain(seconds, repeat(0)), strict=False):
        step, moment = int(evaluation["step"]), started + round(1000 * second)
        metrics |= {(n, step): (value, moment) for n, value in evaluation.items() if n != "step"}
    end = started + round(1000 * (result.seconds or 0))
    facts = ("seconds", "parameters", "multiply_adds", "diverged_at_step")
    final = {**result.metrics, **{name: getattr(result, name) for name in facts}}
    return metrics | {(name, step): (v, end) for name, v in final.items() if v is not None}


def _log(
    store: Store,
    run_id: str,
    params: Mapping[str, Any],
    metrics: Mapping[tuple[str, int], tuple[float, int]],
) -> None:
    """Write both in one call, of which each takes milliseconds, whatever is in it."""
    from mlflow.entities import Metric, Param

    for (name, step), (value, _) in metrics.items():
        if not math.isfinite(value):
            # MLflow would keep it: NaN breaks its pages, infinity becomes 1.8e308.
            raise LedgerError(f"{name}={value} at step {step} is not finite and goes nowhere.")
    names = entity_names({name for name, _ in metrics})
    numbers = [
        Metric(names[name], float(v), moment, step) for (name, step), (v, moment) in metrics.items()
    ]
    texts = [Param(name, str(value)) for name, value in params.items()]
    store.client.log_batch(run_id, metrics=numbers, params=texts)


def _log_files(store: Store, run: MlflowRun, files: Mapping[str, Path]) -> None:
    """Put files beside a run, each under its name.

    Into a folder of this machine they are copied, which is what MLflow would do once it had read
    the whole run from its database to learn which folder that is.
    """
    address = urlsplit(run.info.artifact_uri)
    if address.scheme != "file":
        for name, file in files.items():
            store.client.log_text(run.info.run_id, file.read_text(encoding="utf-8"), name)
        return
    folder = Path(unquote(address.path))
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        shutil.copy2(file, folder / name)


def _start(directory: Path, result: Result) -> int | None:
    """Return when a run started, in ms since 1970."""
    started, _ = read_times(directory, result)
    return None if started is None else round(1000 * datetime.fromisoformat(started).timestamp())
