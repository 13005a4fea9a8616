"""Tidy frames of a study, from the ledger and from the Parquet files beside a report.

Everything drawn or counted comes from these frames: same frames, same bytes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ablate.metrics import CURVES, STATISTICS
from ablate.metrics.scores import calibration_bins
from ablate.report.columns import FACTOR, TUNED, level_column, tuned_column
from ablate.report.held_out import HeldOut, HeldOutReader, examples_row
from ablate.report.probed_rows import layer_rows, pixel_row, weight_rows
from ablate.store import reader
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.result import Result, read_result

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
    "epochs": {**_PLACE, "step": _INTEGER, **dict.fromkeys(("epoch", "lr", *CURVES), _FLOAT)},
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
    "pixels": {
        **_PLACE, **dict.fromkeys(("networks", "units", "channels", "height", "width"), _INTEGER),
        "zeros": pa.list_(_INTEGER), "squares": pa.list_(_FLOAT),
    },
    "examples": {**_PLACE, "test_set": _TEXT, "count": _INTEGER, "correct": pa.binary()},
}  # fmt: skip
#: What a row of `runs` has from the run's result as it is.
_RESULT = ("key", "status", "nc_reason", "diverged_at_step", "parameters", "multiply_adds")


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of a study; rows in order of cells, then replicates, then steps.

    runs    one row per run that ended; metrics are fractions and nats
    epochs  one row per evaluation, with what else a procedure of the user's own evaluates
    layers  one row per layer, quantity and probed step: layer counts from 1, nine statistics,
            exponent k and a histogram of 130 counts (an array) or None; beside a report as
            `ablate.report.thin` leaves them. Of runs that count their weights these as well, as
            quantity `weight` with std and zero, the output layer's last
    curves  training loss in log-spaced blocks of steps; `step` is the middle of the block
    tuning  one row per tuning run, with the metrics of `runs`; no rows where nothing is tuned
    calibration   one row per run and bin of the confidence on the test set: count, sum of the
            confidence, correct; no rows where no figure of the study needs it
    timings       one row per evaluation: seconds since the run's start; likewise. The only
            frame that another sweep of the same study does not repeat
    pixels        one row per run that counts them: of so many networks and units, by pixel of the
            input, how many of its weights in the first layer are zero, and the sum of squares
    examples      one row per run that keeps predictions: a digest of its test set, the number of
            examples, and a bit for each that is answered right; see `ablate.report.held_out`

    What a run does not have (metrics of a failed one) is NaN or None.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame
    layers: pd.DataFrame
    curves: pd.DataFrame
    tuning: pd.DataFrame
    calibration: pd.DataFrame
    timings: pd.DataFrame
    pixels: pd.DataFrame = field(default_factory=lambda: _frame("pixels", []))
    examples: pd.DataFrame = field(default_factory=lambda: _frame("examples", []))


#: Frames that not all studies have; they are files only where they have rows.
_OPTIONAL = ("tuning", "calibration", "timings", "pixels", "examples")


def frames(
    root: Path,
    study_name: str,
    cells: Sequence[LedgerCell],
    extras: Collection[str] = (),
    held_out: HeldOutReader | None = None,
) -> Frames:
    """Read the frames from `runs/<study>/`.

    extras    those of `calibration`, `timings`, `pixels` and `examples` that are wanted
    held_out  the test sets, which calibration and examples need

    Unfinished and stale runs have no row, failed ones a row in `runs` only. Raises LedgerError
    naming the file where an entry is damaged.
    """
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    layers: list[dict[str, np.ndarray]] = []
    losses: list[tuple[Mapping[str, Any], np.ndarray]] = []
    known: dict[str, HeldOut] = {}
    for cell in cells:
        for replicate, directory, result in reader.finished(root, study_name, cell):
            reader.check_whole(directory, result)
            rows["runs"].append(_run_row(cell, replicate, directory, result))
            if result.status == "failed":
                continue
            place = {"cell": cell.slug, "replicate": replicate}
            evaluations = reader.read_evaluations(directory, result)
            rows["epochs"] += [{**e, **place} for e in evaluations]
            if "timings" in extras:
                pairs = zip(evaluations, reader.read_times(directory, result)[1], strict=True)
                rows["timings"] += [{"step": e["step"], "seconds": t, **place} for e, t in pairs]
            probe = reader.read_arrays(directory, "probe", result)
            if len(probe.get("layers", ())):
                layers.append(layer_rows(place, probe))
            if "weight_layers" in probe:
                layers.append(weight_rows(place, probe))
            if "pixels" in extras and "pixel_units" in probe:
                rows["pixels"].append({**place, **pixel_row(probe)})
            losses.append((place, reader.read_arrays(directory, "curve", result)["loss"]))
            if held_out is not None:
                for name, found in _of_predictions(directory, result, extras, held_out, known):
                    rows[name].append({**found, **place})
        if cell.tuned:
            folder = root / "runs" / study_name / cell.slug / "tune"
            rows["tuning"] += _tuning_rows(folder, cell, cell.tuned)
    return Frames(
        runs=_frame("runs", rows["runs"], _run_columns(rows["runs"], cells)),
        epochs=_frame("epochs", rows["epochs"]),
        layers=_typed("layers", _joined(layers)) if layers else _frame("layers", []),
        curves=_frame("curves", _curves(losses)),
        tuning=_frame("tuning", rows["tuning"]),
        calibration=_frame("calibration", rows["calibration"]),
        timings=_frame("timings", rows["timings"]),
        pixels=_frame("pixels", rows["pixels"]),
        examples=_frame("examples", rows["examples"]),
    )


def _of_predictions(
    directory: Path, result: Result, extras: Collection[str], held_out: HeldOutReader,
    known: dict[str, HeldOut],
) -> Iterator[tuple[str, dict[str, Any]]]:  # fmt: skip
    """Yield a run's rows of calibration and examples, each by the name of its frame.

    known  test sets by the digest of a config: runs of a cell have one, which is long to read
    """
    logits = reader.read_arrays(directory, "predictions", result).get("logits")
    if logits is None:
        return
    digest = result.digests.get("config.yaml", f"{directory}")
    if digest not in known:
        known[digest] = held_out(reader.read_config(directory, result))
    test_set = known[digest]
    if "calibration" in extras:
        yield from (("calibration", row) for row in calibration_bins(logits, test_set.labels))
    if "examples" in extras and (row := examples_row(logits, test_set)):
        yield "examples", row


def write_frames(frames: Frames, directory: Path) -> None:
    """Write a Parquet file per frame; the same frames give the same bytes.

    Optional frames are written where they have rows, and removed where they have none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, frame in vars(frames).items():
        path = directory / f"{name}.parquet"
        if name in _OPTIONAL and frame.empty:
            path.unlink(missing_ok=True)
        else:
            _write_table(_narrowed(_table(name, frame)), path)


def _narrowed(table: pa.Table) -> pa.Table:
    """Return the table with counts of histograms in 32 bits, unless there are too many."""
    place = table.schema.get_field_index("histogram")
    largest = pc.max(pc.list_flatten(table["histogram"])).as_py() if place >= 0 else None
    if largest is None or largest >= 2**31:
        return table
    return table.set_column(place, "histogram", table["histogram"].cast(pa.list_(pa.int32())))


def _write_table(table: pa.Table, path: Path) -> None:
    """Write a table as small as it gets: bytes of numbers side by side, text as a dictionary."""
    floats = [column.name for column in table.schema if column.type == _FLOAT]
    lists = [
        f"{column.name}.list.element" for column in table.schema if pa.types.is_list(column.type)
    ]
    others = [name for name in table.column_names if name not in floats]
    # Of packed bits the least and the greatest would be kept as they are, twice each.
    packed = any(pa.types.is_binary(column.type) for column in table.schema)
    pq.write_table(
        table, path, compression="zstd", compression_level=19,
        use_byte_stream_split=[*floats, *lists], use_dictionary=others,
        write_statistics=not packed,
    )  # fmt: skip


def read_frames(directory: Path) -> Frames:
    """Read what `write_frames` wrote.

    Raises FileNotFoundError where a frame is missing, LedgerError where one cannot be read.
    """
    found: dict[str, pd.DataFrame] = {}
    for name in _COLUMNS:
        path = directory / f"{name}.parquet"
        if name in _OPTIONAL and not path.exists():
            found[name] = _frame(name, [])
            continue
        try:
            # The bytes, not the path: of a folder pyarrow makes an empty table.
            found[name] = pq.read_table(pa.BufferReader(path.read_bytes())).to_pandas()
        except FileNotFoundError:
            raise
        except Exception as error:  # pyarrow raises a dozen kinds for damaged bytes
            raise LedgerError(f"{path} is damaged; sweep again, or restore it.") from error
    return Frames(**found)


def metric_columns(runs: pd.DataFrame) -> list[str]:
    """Return the columns of `runs` that hold metrics: all that are no factor's and not known."""
    others = [str(name) for name in runs if name not in _COLUMNS["runs"]]
    return [name for name in others if not name.startswith((FACTOR, TUNED))]


def _run_columns(rows: Sequence[Mapping[str, Any]], cells: Sequence[LedgerCell]) -> list[str]:
    factors = dict.fromkeys(level_column(name) for cell in cells for name in cell.levels)
    tuned = dict.fromkeys(tuned_column(cell.tuned) for cell in cells if cell.tuned)
    known = {*_COLUMNS["runs"], *factors, *tuned}
    metrics = sorted({name for row in rows for name in row} - known)
    behind = {"replicate": factors, "diverged_at_step": metrics, "multiply_adds": tuned}
    return [column for name in _COLUMNS["runs"] for column in (name, *behind.get(name, ()))]


def _run_row(cell: LedgerCell, replicate: int, directory: Path, result: Result) -> dict[str, Any]:
    origin = result.provenance
    row: dict[str, Any] = {
        **result.metrics,
        "cell": cell.slug,
        "cell_key": cell.key,
        "replicate": replicate,
        **{name: getattr(result, name) for name in _RESULT},
        **{name: origin.get(name) for name in _ORIGIN},
        "torch": origin.get("versions", {}).get("torch"),
        **{level_column(name): level for name, level in cell.levels.items()},
    }
    if cell.tuned:
        row[tuned_column(cell.tuned)] = reader.tuned_value(directory, cell.tuned, result)
    return row


def _joined(columns: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Return one frame of the columns of many runs: a frame for each takes ten times as long."""
    names = columns[0]
    return pd.DataFrame({name: np.concatenate([one[name] for one in columns]) for name in names})


def curve_edges(steps: int) -> np.ndarray:
    """Return the edges of log-spaced blocks that cover steps 0 .. steps-1.

    Blocks are one step long at first and grow by a constant factor; at most `CURVE_POINTS`.
    """
    edges = np.geomspace(1, steps + 1, CURVE_POINTS + 1) - 1
    return np.unique(np.round(edges).astype(np.int64))


def _curves(losses: Sequence[tuple[Mapping[str, Any], np.ndarray]]) -> list[dict[str, Any]]:
    # Blocks are those of the study's longest run, so that runs that ended early line up.
    edges = curve_edges(max((len(loss) for _, loss in losses), default=0))
    rows = []
    for place, loss in losses:
        if len(loss):
            starts = edges[edges < len(loss)]
            ends = np.minimum(np.append(starts[1:], edges[len(starts)]), len(loss))
            means = np.add.reduceat(loss.astype(np.float64), starts) / (ends - starts)
            blocks = zip((starts + ends - 1) / 2, means, strict=True)
            rows += [{**place, "step": middle, "loss": mean} for middle, mean in blocks]
    return rows


def _tuning_rows(folder: Path, cell: LedgerCell, key: str) -> list[dict[str, Any]]:
    rows = []
    for path in folder.glob("*/[!.]*/result.json"):
        result = read_result(path.parent)
        if result is not None:
            reader.check_whole(path.parent, result)
            value = reader.tuned_value(path.parent, key, result)
            if not isinstance(value, int | float):
                raise LedgerError(f"the config of {path.parent} has no number at '{key}'.")
            place = {"cell": cell.slug, "key": key, "value": float(value)}
            run = {"replicate": int(path.parent.name), "status": result.status}
            rows.append({**place, **run, **result.metrics})
    return sorted(rows, key=lambda row: (row["value"], row["replicate"]))


def _frame(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a frame of `rows`; other columns than its own stand behind them in their order."""
    known = _COLUMNS[name]
    found = {column for row in rows for column in row}
    columns = columns or [*known, *sorted(found - known.keys())]
    # As objects: an integer beside a missing one is no float.
    return _typed(name, pd.DataFrame(rows, columns=list(columns), dtype=object))


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    typed: pd.DataFrame = _table(name, frame).to_pandas()
    return typed


def _table(name: str, frame: pd.DataFrame) -> pa.Table:
    """Return a frame as it is written: NaN is null.

    The columns of factors are names of levels, all others that are not known are numbers.
    """
    others = {column: _TEXT if column.startswith(FACTOR) else _FLOAT for column in map(str, frame)}
    schema = pa.schema(
        [(column, _COLUMNS[name].get(column, kind)) for column, kind in others.items()]
    )
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    # pandas' metadata names its version: two environments would differ for no reason.
    return table.replace_schema_metadata(None)
