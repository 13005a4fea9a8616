"""The ledger: one folder per run, the truth that everything else is rebuilt from.

runs/<study>/<cell>/<replicate>/
  config.yaml        the resolved config
  metrics.jsonl      a line per evaluation
  curve.npz          training loss of every step
  probe.npz          packed layer statistics
  predictions.npz    test logits, float16, and those of an ensemble's members where one training
                     gives several; absent where a loss was not finite
  weights.npz        where `trainer.save` asks
  evaluated_at.json  when: kept apart, since times must not enter compared files
  error.log          traceback of a failed run
  result.json        written last; a run without it is unfinished
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml

from ablate.records import Record
from ablate.store.files import (
    LedgerError,
    json_bytes,
    npz_bytes,
    parse_npz,
    sha256,
    write_atomically,
)
from ablate.store.result import Result, read_result, result_bytes

#: With result.json (less `seconds` and `provenance`) these decide whether two runs are equal.
COMPARED = ("metrics.jsonl", "predictions.npz", "probe.npz")
_FILES = (*COMPARED, "config.yaml", "curve.npz", "weights.npz", "evaluated_at.json", "error.log")


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
) -> None:
    """Write a trained run; the same record gives the same bytes in all compared files.

    An entry that is there already is replaced: see `move_stale` for keeping it. Raises
    LedgerError, with nothing written, for a metric that is not finite.
    """
    metrics = directory / "metrics.jsonl"
    files = {
        "config.yaml": _yaml_bytes(config),
        "metrics.jsonl": b"".join(json_bytes(dict(e), metrics) for e in record.evaluations),
        "curve.npz": npz_bytes({"loss": record.losses}),
        "probe.npz": npz_bytes(record.probe),
        "evaluated_at.json": _times(directory, started, record.evaluated_at),
    }
    if record.predictions is not None:
        arrays = {"logits": record.predictions}
        if record.members is not None:
            arrays["members"] = record.members
        files["predictions.npz"] = npz_bytes(arrays)
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
    )
    _write_entry(directory, files, result)


def write_failure(
    directory: Path,
    key: str,
    message: str,
    traceback_text: str,
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
    started: str | None,
) -> None:
    """Write a failed run: one sentence in `result.json`, the traceback in `error.log`.

    started  None where its process ended without a word
    """
    files = {"error.log": traceback_text.encode(), "config.yaml": _yaml_bytes(config)}
    if started is not None:
        files["evaluated_at.json"] = _times(directory, started, ())
    _write_entry(directory, files, Result("failed", key, dict(provenance), message=message))


def move_stale(directory: Path, root: Path) -> Path:
    """Move a replaced entry under `runs/.stale/`, its key's first digits in the name.

    Returns where it went. An entry that cannot be read moves as well, as `damaged`.
    """
    try:
        result = read_result(directory)
        label = result.key[:8] if result else "unfinished"
    except LedgerError:
        label = "damaged"
    relative = directory.relative_to(root / "runs")
    stem = f"{relative.name}-{label}"
    folder = root / "runs" / ".stale" / relative.parent
    folder.mkdir(parents=True, exist_ok=True)
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return directory.rename(next(folder / name for name in names if not (folder / name).exists()))


def compared_bytes(directory: Path) -> dict[str, bytes]:
    """Return by file name what decides whether two runs are equal, bit for bit.

    Arrays are packed anew: version 0.1 compressed some. Raises LedgerError for a run that is
    unfinished, or has a damaged file.
    """
    path = directory / "result.json"
    result = read_result(directory)
    if result is None:
        raise LedgerError(f"{path} is missing: the run is unfinished.")
    apart = ("seconds", "provenance", "schema", "digests")
    fields = {k: v for k, v in asdict(result).items() if k not in apart}
    found = {"result.json": json_bytes(fields, path)}
    for name in COMPARED:
        file = directory / name
        if file.exists():
            content = file.read_bytes()
            packed = file.suffix == ".npz"
            found[name] = npz_bytes(parse_npz(content, file)) if packed else content
    return found


def _write_entry(directory: Path, files: Mapping[str, bytes], result: Result) -> None:
    path = directory / "result.json"
    digests = {name: sha256(data) for name, data in files.items() if name != "error.log"}
    content = result_bytes(replace(result, digests=digests), path)
    directory.mkdir(parents=True, exist_ok=True)
    # First the old result goes: killed between here and the end, the run is unfinished.
    path.unlink(missing_ok=True)
    for name in _FILES:
        if name not in files:
            (directory / name).unlink(missing_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    # Not flushed, as the files that it names are not: what a power cut leaves of a run is damaged
    # or unfinished by its digests, and trained again.
    write_atomically(path, content, flush=False)


def _yaml_bytes(config: Mapping[str, Any]) -> bytes:
    text: str = yaml.dump(dict(config), Dumper=yaml.CSafeDumper, sort_keys=False)
    return text.encode()


def _times(directory: Path, started: str, evaluated_at: tuple[float, ...]) -> bytes:
    content = {"started": started, "evaluated_at": [round(t, 3) for t in evaluated_at]}
    return json_bytes(content, directory / "evaluated_at.json")
