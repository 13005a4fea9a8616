"""Tidy frames of a study, from the ledger and from the Parquet files beside a report.

Everything drawn or counted comes from these frames: same frames, same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ablate.metrics import CURVES, PROBED, STATISTICS
from ablate.metrics.scores import calibration_bins
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.reader import (
    finished,
    read_arrays,
    read_config,
    read_evaluations,
    read_times,
    tuned_value,
)
from ablate.store.result import Result, read_result

EPOCH_VALUES = ("epoch", "lr", *CURVES)
#: Gives the test labels of a run from its resolved config.
Labels = Callable[[Mapping[str, Any]], np.ndarray]

#: Points of a training curve, at most.
CURVE_POINTS = 120

_TEXT, _INTEGER, _FLOAT = pa.string(), pa.int64(), pa.float64()
_PLACE = {"cell": _TEXT, "replicate": _INTEGER}
_ORIGIN = {
    "commit": _TEXT, "dirty": pa.bool_(), "device": _TEXT, "cpu": _TEXT, "data_digest": _TEXT,
    "seed": _INTEGER,
}  # fmt: skip
#: The columns of each frame in order, with their types; those of factors, metrics and tuned keys
#: are the study's, see `_run_columns`.
_COLUMNS: Mapping[str, Mapping[str, pa.DataType]] = {
    "runs": {
        "cell": _TEXT, "cell_key": _TEXT, "key": _TEXT, "replicate": _INTEGER, "status": _TEXT,
        "nc_reason": _TEXT, "diverged_at_step": _INTEGER, "parameters": _INTEGER,
        "multiply_adds": _INTEGER, "torch": _TEXT, **_ORIGIN,
    },
    "epochs": {**_PLACE, "step": _INTEGER, **dict.fromkeys(EPOCH_VALUES, _FLOAT)},
    "layers": {
        **_PLACE, "step": _INTEGER, "layer": _INTEGER, "layer_name": _TEXT, "quantity": _TEXT,
        **dict.fromkeys(STATISTICS, _FLOAT), "exponent": _INTEGER,
        "histogram": pa.list_(_INTEGER),
    },
    "curves": {**_PLACE, "step": _FLOAT, "loss": _FLOAT},
    "tuning": {
        "cell": _TEXT, "key": _TEXT, "value": _FLOAT, "replicate": _INTEGER, "status": _TEXT,
        "validation/loss": _FLOAT, "validation/accuracy": _FLOAT,
    },
    "calibration": {
        **_PLACE, "bin": _INTEGER, "count": _INTEGER, "confidence": _FLOAT, "correct": _INTEGER,
    },
    "timings": {**_PLACE, "step": _INTEGER, "seconds": _FLOAT},
}  # fmt: skip
_FACTOR, _TUNED = "factor:", "tuned:"


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of a study; rows in order of cells, then replicates, then steps.

    runs    one row per run that ended: cell, cell_key, key, replicate, `factor:<name>` per
            factor, status, nc_reason, diverged_at_step, a column per metric (fractions, nats),
            parameters, multiply_adds, `tuned:<key>` where the study tunes, torch,
            commit, dirty, device, cpu, data_digest, seed
    epochs  one row per evaluation: cell, replicate, step, epoch, lr, train/loss,
            validation/loss, validation/accuracy, and what else a training procedure of the
            user's own evaluates
    layers  one row per layer, quantity and probed step: layer counts from 1, nine statistics,
            exponent k and a histogram of 130 counts (an array) or None
    curves  training loss in log-spaced blocks of steps; `step` is the middle of the block
    tuning  one row per tuning run: cell, key, value, replicate, status and the metrics of `runs`;
            no rows where nothing is tuned
    calibration   one row per run and bin of the confidence on the test set: count, sum of the
            confidence, correct; no rows where no figure of the study needs it
    timings       one row per evaluation: seconds since the run's start; likewise. The only
            frame that another sweep of the same study does not repeat

    What a run does not have (metrics of a failed one) is NaN or None.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame
    layers: pd.DataFrame
    curves: pd.DataFrame
    tuning: pd.DataFrame
    calibration: pd.DataFrame
    timings: pd.DataFrame


#: Frames that most studies do not have; they are files only where they have rows.
_OPTIONAL = ("tuning", "calibration", "timings")


def frames(
    root: Path,
    study_name: str,
    cells: Sequence[LedgerCell],
    labels: Labels | None = None,
    with_timings: bool = False,
) -> Frames:
    """Read the frames from `runs/<study>/`; `labels` are needed for the calibration only.

    Unfinished and stale runs have no row, failed ones a row in `runs` only. Raises LedgerError
    naming the file where an entry is damaged.
    """
    runs: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    layers: list[pa.Table] = []
    losses: list[tuple[str, int, np.ndarray]] = []
    tuning: list[dict[str, Any]] = []
    calibration: list[dict[str, Any]] = []
    timings: list[dict[str, Any]] = []
    for cell in cells:
        for replicate, directory, result in finished(root, study_name, cell):
            runs.append(_run_row(cell, replicate, directory, result))
            if result.status == "failed":
                continue
            place = {"cell": cell.slug, "replicate": replicate}
            evaluations = read_evaluations(directory, result)
            epochs += [{**e, **place} for e in evaluations]
            if with_timings:
                pairs = zip(evaluations, read_times(directory)[1], strict=True)
                timings += [{"step": e["step"], "seconds": t, **place} for e, t in pairs]
            probe = read_arrays(directory, "probe.npz", result)
            if probe:
                layers.append(_layers(cell.slug, replicate, probe))
            curve = read_arrays(directory, "curve.npz", result)
            losses.append((cell.slug, replicate, curve["loss"]))
            if labels is not None:
                logits = read_arrays(directory, "predictions.npz", result).get("logits")
                if logits is not None:
                    bins = calibration_bins(logits, labels(read_config(directory)))
                    calibration += [{**row, **place} for row in bins]
        tuning += _tuning_rows(root / "runs" / study_name / cell.slug / "tune", cell)
    return Frames(
        runs=_frame("runs", runs, _run_columns(runs, cells)),
        epochs=_frame("epochs", epochs),
        layers=_joined("layers", layers),
        curves=_joined("curves", _curves(losses)),
        tuning=_frame("tuning", tuning),
        calibration=_frame("calibration", calibration),
        timings=_frame("timings", timings),
    )


def write_frames(frames: Frames, directory: Path) -> None:
    """Write a Parquet file per frame; the same frames give the same bytes.

    Optional frames are written where they have rows, and removed where they have none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for field in fields(frames):
        frame: pd.DataFrame = getattr(frames, field.name)
        path = directory / f"{field.name}.parquet"
        if field.name in _OPTIONAL and frame.empty:
            path.unlink(missing_ok=True)
            continue
        schema = _schema(field.name, frame.columns)
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        # pandas' metadata names its version: two environments would differ for no reason.
        pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def read_frames(directory: Path) -> Frames:
    """Read what `write_frames` wrote; raises FileNotFoundError where a frame is missing."""
    found: dict[str, pd.DataFrame] = {}
    for field in fields(Frames):
        path = directory / f"{field.name}.parquet"
        if field.name in _OPTIONAL and not path.exists():
            found[field.name] = _frame(field.name, [])
        else:
            found[field.name] = pq.read_table(path).to_pandas()
    return Frames(**found)


def metric_columns(runs: pd.DataFrame) -> list[str]:
    """Return the columns of `runs` that hold metrics: all that are no factor's and not known."""
    others = [str(name) for name in runs if name not in _COLUMNS["runs"]]
    return [name for name in others if not name.startswith((_FACTOR, _TUNED))]


def _run_columns(rows: Sequence[Mapping[str, Any]], cells: Sequence[LedgerCell]) -> list[str]:
    factors = dict.fromkeys(f"{_FACTOR}{name}" for cell in cells for name in cell.levels)
    tuned = dict.fromkeys(f"{_TUNED}{cell.tuned}" for cell in cells if cell.tuned)
    known = {*_COLUMNS["runs"], *factors, *tuned}
    metrics = sorted({name for row in rows for name in row} - known)
    behind = {"replicate": factors, "diverged_at_step": metrics, "multiply_adds": tuned}
    return [column for name in _COLUMNS["runs"] for column in (name, *behind.get(name, ()))]


def _run_row(cell: LedgerCell, replicate: int, directory: Path, result: Result) -> dict[str, Any]:
    origin = result.provenance
    row: dict[str, Any] = {
        "cell": cell.slug,
        "cell_key": cell.key,
        "key": result.key,
        "replicate": replicate,
        **{f"{_FACTOR}{name}": level for name, level in cell.levels.items()},
        "status": result.status,
        "nc_reason": result.nc_reason,
        "diverged_at_step": result.diverged_at_step,
        **result.metrics,
        "parameters": result.parameters,
        "multiply_adds": result.multiply_adds,
        "torch": origin.get("versions", {}).get("torch"),
    }
    row |= {name: origin.get(name) for name in _ORIGIN}
    if cell.tuned:
        row[f"{_TUNED}{cell.tuned}"] = tuned_value(directory, cell.tuned)
    return row


def _layers(slug: str, replicate: int, probe: Mapping[str, np.ndarray]) -> pa.Table:
    """One row per step, quantity and layer, in the order of the packed arrays (S, 3, L)."""
    shape = probe["statistics"].shape[:3]
    step, quantity, layer = (axis.ravel() for axis in np.indices(shape))
    place = {int(s): index for index, s in enumerate(probe["histogram_steps"])}
    # The probed step of a row's histogram; -1 where none was taken.
    taken = np.array([place.get(int(s), -1) for s in probe["steps"]], dtype=np.int64)[step]
    counts = probe["histograms"]
    histograms = [
        None if h < 0 else counts[h, q, i] for h, q, i in zip(taken, quantity, layer, strict=True)
    ]
    columns: dict[str, Any] = {
        "step": probe["steps"][step],
        "layer": layer + 1,
        "layer_name": np.asarray(probe["layers"], dtype=object)[layer],
        "quantity": np.asarray(PROBED, dtype=object)[quantity],
        "exponent": probe["exponents"].ravel(),
        "histogram": histograms,
    }
    flat = probe["statistics"].reshape(-1, len(STATISTICS))
    columns |= {name: flat[:, index] for index, name in enumerate(STATISTICS)}
    return _run_table("layers", slug, replicate, columns)


def curve_edges(steps: int) -> np.ndarray:
    """Return the edges of log-spaced blocks that cover steps 0 .. steps-1.

    Blocks are one step long at first and grow by a constant factor; at most `CURVE_POINTS`.
    """
    edges = np.geomspace(1, steps + 1, CURVE_POINTS + 1) - 1
    return np.unique(np.round(edges).astype(np.int64))


def _curves(losses: Sequence[tuple[str, int, np.ndarray]]) -> list[pa.Table]:
    # Blocks are those of the study's longest run, so that runs that ended early line up.
    edges = curve_edges(max((len(loss) for _, _, loss in losses), default=0))
    parts = []
    for slug, replicate, loss in losses:
        if len(loss) == 0:
            continue
        starts = edges[edges < len(loss)]
        ends = np.minimum(np.append(starts[1:], edges[len(starts)]), len(loss))
        means = np.add.reduceat(loss.astype(np.float64), starts) / (ends - starts)
        middle = (starts + ends - 1) / 2
        columns = {"step": middle, "loss": means}
        parts.append(_run_table("curves", slug, replicate, columns))
    return parts


def _tuning_rows(folder: Path, cell: LedgerCell) -> list[dict[str, Any]]:
    if not cell.tuned:
        return []
    rows = []
    for path in folder.glob("*/*/result.json"):
        result = read_result(path.parent)
        if result is None:
            continue
        value = tuned_value(path.parent, cell.tuned)
        if not isinstance(value, int | float):
            raise LedgerError(f"{path.parent}/config.yaml has no number at '{cell.tuned}'.")
        rows.append(
            {
                "cell": cell.slug,
                "key": cell.tuned,
                "value": float(value),
                "replicate": int(path.parent.name),
                "status": result.status,
                **result.metrics,
            }
        )
    return sorted(rows, key=lambda row: (row["value"], row["replicate"]))


def _frame(
    frame: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a frame of `rows`; other columns than its own stand behind them in their order."""
    if not columns:
        known = _COLUMNS[frame]
        columns = [*known, *sorted({name for row in rows for name in row} - known.keys())]
    made: pd.DataFrame = pa.Table.from_pylist(list(rows), _schema(frame, columns)).to_pandas()
    return made


def _run_table(frame: str, slug: str, replicate: int, values: Mapping[str, Any]) -> pa.Table:
    length = len(values["step"])
    filled = {"cell": [slug] * length, "replicate": [replicate] * length, **values}
    schema = _schema(frame, _COLUMNS[frame])
    # from_pandas: NaN becomes null, as it does when a frame is written.
    arrays = [pa.array(filled[field.name], type=field.type, from_pandas=True) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _joined(frame: str, parts: Sequence[pa.Table]) -> pd.DataFrame:
    empty = _schema(frame, _COLUMNS[frame]).empty_table()
    joined: pd.DataFrame = pa.concat_tables([empty, *parts]).to_pandas()
    return joined


def _schema(frame: str, columns: Iterable[str]) -> pa.Schema:
    """Return the types of columns: a factor's are level names, all others not known numbers."""
    others = {name: _TEXT if name.startswith(_FACTOR) else _FLOAT for name in columns}
    return pa.schema([(name, _COLUMNS[frame].get(name, others[name])) for name in columns])
