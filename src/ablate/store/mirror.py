"""Runs of the ledger as runs of MLflow, each a child of its cell's (`ablate.store.parent`).

Nothing here is ever read back into a report. What is written depends on the ledger alone, so
`ablate.store.sync` can rebuild it.
"""

from __future__ import annotations

import math
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain, count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError, json_bytes, sha256
from ablate.store.ledger import run_directory
from ablate.store.reader import read_evaluations, read_times, tuned_value
from ablate.store.result import CONFIG, Result
from ablate.store.tracking import DESCRIPTION, Store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

#: The tag by which MLflow's pages show a run below another.
PARENT = "mlflow.parentRunId"
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


def mirror_run(store: Store, cell: LedgerCell, replicate: int, result: Result, parent: str) -> None:
    """Write one run that ended as a child of `parent`: four calls, of which none can take more.

    Any run with this key that MLflow has already is to be deleted before.
    """
    directory = run_directory(store.root, store.study, cell.slug, replicate)
    started = started_at(directory, result)
    may_miss = {
        "mlflow.source.git.commit": result.provenance.get("commit"),
        "ablate.nc_reason": result.nc_reason,
        DESCRIPTION: result.message,
    }
    tags = {
        PARENT: parent,
        "ablate.kind": "replicate",
        "ablate.key": result.key,
        "ablate.cell": cell.key,
        "ablate.fingerprint": fingerprint(cell, replicate, result),
        "ablate.status": result.status,
        "ablate.path": f"{store.study}/{cell.slug}/{replicate}",
        store.ledger: "yes",
        **{name: value for name, value in may_miss.items() if value},
    }
    name = f"{cell.name} · {replicate}"
    run = store.client.create_run(store.experiment_id, started, tags, name)
    run_id = str(run.info.run_id)
    params: dict[str, Any] = {**cell_params(cell), "replicate": replicate}
    if cell.tuned is not None and (value := tuned_value(directory, cell.tuned, result)) is not None:
        params[cell.tuned] = value
    log(store, run_id, params, _run_metrics(directory, result, started or 0))
    files = {name: result.path_of(directory, name) for name in (CONFIG, "error.log")}
    _log_files(store, run, {name: path for name, path in files.items() if path.exists()})
    end = None if started is None else started + round(1000 * (result.seconds or 0))
    store.client.set_terminated(run_id, _STATUS[result.status], end)


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


def log(
    store: Store,
    run_id: str,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[tuple[str, int], tuple[float, int]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write all three in one call, of which each takes milliseconds, whatever is in it."""
    from mlflow.entities import Metric, Param, RunTag

    numbers = metrics or {}
    for (name, step), (value, _) in numbers.items():
        if not math.isfinite(value):
            # MLflow would keep it: NaN breaks its pages, infinity becomes 1.8e308.
            raise LedgerError(f"{name}={value} at step {step} is not finite and goes nowhere.")
    names = entity_names({name for name, _ in numbers})
    store.client.log_batch(
        run_id,
        metrics=[Metric(names[n], float(v), moment, s) for (n, s), (v, moment) in numbers.items()],
        params=[Param(name, str(value)) for name, value in (params or {}).items()],
        tags=[RunTag(name, value) for name, value in (tags or {}).items()],
    )


def _log_files(store: Store, run: MlflowRun, files: Mapping[str, Path]) -> None:
    """Put files beside a run, each under its name.

    MLflow's own call reads the whole run first, to learn where its files belong, which we know.
    Into a folder of this machine they are copied, which is what it would do then.
    """
    address = urlsplit(run.info.artifact_uri)
    if address.scheme == "file":
        folder = Path(unquote(address.path))
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            shutil.copy2(file, folder / name)
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    place: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri=store.uri)
    with tempfile.TemporaryDirectory(prefix="ablate-") as named:
        for name, file in files.items():
            place.log_artifact(shutil.copy2(file, Path(named) / name))


def started_at(directory: Path, result: Result) -> int | None:
    """Return when the run in a folder started, in ms since 1970; None where nobody knows."""
    started, _ = read_times(directory, result)
    return None if started is None else round(1000 * datetime.fromisoformat(started).timestamp())
