"""The ledger: one folder per run, the truth that everything else is rebuilt from.

runs/<study>/<cell>/
  config-<digest>.yaml   the resolved config, once for all replicates that have the same
  <replicate>/
    metrics.jsonl    a line per evaluation
    arrays.npz       `curve/loss`, the training loss of every step; `probe/…`, packed layer
                     statistics; `predictions/logits`, test logits in float16, absent where a loss
                     was not finite, and `predictions/members`, those of an ensemble's members where
                     one training gives several
    weights.npz      where `trainer.save` asks
    error.log        traceback of a failed run
    result.json      how it ended, when, and the digests of the other files

A run's folder comes into its place whole, see `ablate.store.commit`. Entries of schema 1 and 2 had
seven files, which `ablate.store.reader` reads.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml

from ablate.records import Record
from ablate.store.commit import commit
from ablate.store.files import LedgerError, json_bytes, npz_bytes, sha256, write_atomically
from ablate.store.result import CONFIG, Result, read_result, result_bytes


def run_directory(root: Path, study: str, cell: str, replicate: int, branch: str = "") -> Path:
    """Return the folder of a run; `branch` names the tried value of a tuning run."""
    folder = root / "runs" / study / cell
    return (folder / "tune" / branch if branch else folder) / str(replicate)


def write_run(
    directory: Path,
    record: Record,
    config: Mapping[str, Any],
    key: str,
    provenance: Mapping[str, Any],
    started: str,
) -> bool:
    """Write a trained run; the same record gives the same bytes in all compared parts.

    Returns whether it is the one that lies there now: a run that ended by itself stays where it has
    this key, since ours has the same numbers. Anything else is replaced: see `move_stale` for
    keeping it. Raises LedgerError, with nothing written, for a metric that is not finite.
    """
    metrics = directory / "metrics.jsonl"
    arrays = {"curve/loss": record.losses}
    arrays |= {f"probe/{name}": array for name, array in record.probe.items()}
    for name, array in (("logits", record.predictions), ("members", record.members)):
        if array is not None:
            arrays[f"predictions/{name}"] = array
    files = {
        "metrics.jsonl": b"".join(json_bytes(dict(e), metrics) for e in record.evaluations),
        "arrays.npz": npz_bytes(arrays),
    }
    if record.weights is not None:
        files["weights.npz"] = npz_bytes(record.weights)
    result = Result(
        record.status,
        key,
        dict(provenance),
        nc_reason=record.nc_reason,
        diverged_at_step=record.diverged_at_step,
        metrics=dict(record.metrics),
        seconds=record.seconds,
        parameters=record.parameters,
        multiply_adds=record.multiply_adds,
        started=started,
        evaluated_at=tuple(round(second, 3) for second in record.evaluated_at),
    )
    return _write_entry(directory, files, config, result)


def write_failure(
    directory: Path,
    key: str,
    message: str,
    traceback_text: str,
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
    started: str | None,
) -> bool:
    """Write a failed run: one sentence in `result.json`, the traceback in `error.log`.

    started  None where its process ended without a word

    Returns as `write_run`: where another worker has finished the run, nothing has failed.
    """
    result = Result("failed", key, dict(provenance), message=message, started=started)
    return _write_entry(directory, {"error.log": traceback_text.encode()}, config, result)


def move_stale(directory: Path, root: Path) -> Path:
    """Move a replaced entry under `runs/.stale/`, its key's first digits in the name.

    Returns where it went. An entry that cannot be read moves as well, as `damaged`.
    """
    result = None
    try:
        result = read_result(directory)
        label = result.key[:8] if result else "unfinished"
    except LedgerError:
        label = "damaged"
    relative = directory.relative_to(root / "runs")
    stem = f"{relative.name}-{label}"
    folder = root / "runs" / ".stale" / relative.parent
    folder.mkdir(parents=True, exist_ok=True)
    if result is not None and (config := result.path_of(directory, CONFIG)).parent != directory:
        with suppress(FileNotFoundError):
            shutil.copy2(config, folder / config.name)
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    target = next(folder / name for name in names if not (folder / name).exists())
    with suppress(FileNotFoundError):  # somebody else has moved it
        directory.rename(target)
    return target


def _write_entry(
    directory: Path, files: Mapping[str, bytes], config: Mapping[str, Any], result: Result
) -> bool:
    resolved = _yaml_bytes(config)
    kept = {CONFIG: resolved, **{k: v for k, v in files.items() if k != "error.log"}}
    result = replace(
        result,
        digests={name: sha256(content) for name, content in kept.items()},
        sizes={name: len(content) for name, content in kept.items()},
    )
    path = directory / "result.json"
    entry = {**files, path.name: result_bytes(result, path)}
    shared = result.path_of(directory, CONFIG)
    if not (shared.exists() and shared.read_bytes() == resolved):
        shared.parent.mkdir(parents=True, exist_ok=True)
        # Not flushed, as the entry is not: what a power cut leaves of a run is damaged by its
        # digests, and trained again.
        write_atomically(shared, resolved, flush=False)
    return commit(directory, entry, result.key)


def _yaml_bytes(config: Mapping[str, Any]) -> bytes:
    text: str = yaml.dump(dict(config), Dumper=yaml.CSafeDumper, sort_keys=False)
    return text.encode()
