"""Tidy frames of a study: their columns, and the Parquet files beside a report.

Everything drawn or counted comes from these frames: same frames, same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ablate.metrics import CURVES, STATISTICS
from ablate.report.columns import FACTOR, TUNED
from ablate.report.stored import LargeFrame, Stored, damaged, taken, write_table

_TEXT, _INTEGER, _FLOAT = pa.string(), pa.int64(), pa.float64()
_PLACE = {"cell": _TEXT, "replicate": _INTEGER}
ORIGIN = {
    "commit": _TEXT, "dirty": pa.bool_(), "device": _TEXT, "gpu": _TEXT, "cpu": _TEXT,
    "cpu_capability": _TEXT, "data_digest": _TEXT,
    "seed": _INTEGER,
}  # fmt: skip
#: The columns of each frame in order, with their types; those of factors, metrics and tuned keys
#: are the study's.
COLUMNS: Mapping[str, Mapping[str, pa.DataType]] = {
    "runs": {
        "cell": _TEXT, "cell_key": _TEXT, "key": _TEXT, "replicate": _INTEGER, "status": _TEXT,
        "nc_reason": _TEXT, "diverged_at_step": _INTEGER, "parameters": _INTEGER,
        "multiply_adds": _INTEGER, "torch": _TEXT, **ORIGIN,
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

    What a run does not have (metrics of a failed one) is NaN or None. Layers and curves grow with
    runs times layers and steps: those of a report stay on disk, and `ablate.report.stored.taken`
    reads what one asks for.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame
    layers: LargeFrame
    curves: LargeFrame
    tuning: pd.DataFrame
    calibration: pd.DataFrame
    timings: pd.DataFrame
    pixels: pd.DataFrame = field(default_factory=lambda: as_frame("pixels", []))
    examples: pd.DataFrame = field(default_factory=lambda: as_frame("examples", []))


#: Frames that every study has.
USUAL = ("epochs", "layers", "curves", "tuning")
#: Those with rows for every layer and step of every run.
LARGE = ("layers", "curves")
#: Those that only some items of a report ask for.
EXTRA = ("calibration", "timings", "pixels", "examples")
#: Frames that not all studies have; they are files only where they have rows.
OPTIONAL = ("tuning", *EXTRA)


def write_frames(frames: Frames, directory: Path) -> None:
    """Write a Parquet file per frame; the same frames give the same bytes.

    Optional frames are written where they have rows, and removed where they have none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, frame in vars(frames).items():
        path = path_of(directory, name)
        if name in OPTIONAL and frame.empty:
            path.unlink(missing_ok=True)
        else:
            write_table(as_table(name, taken(frame)), path)


def read_frames(directory: Path) -> Frames:
    """Read what `write_frames` wrote, all of it.

    Raises FileNotFoundError where a frame is missing, LedgerError where one cannot be read.
    """
    return Frames(**{name: read_frame(directory, name) for name in COLUMNS})


def stored_frames(directory: Path) -> Frames:
    """Read what lies in a report's folder as a report is made from it: the large ones as asked for.

    Raises as `read_frames`.
    """
    layers, curves = (Stored(path_of(directory, name)) for name in LARGE)
    for stored in (layers, curves):
        taken(stored, cell=())  # raises where there is no such file
    others = {name: read_frame(directory, name) for name in COLUMNS if name not in LARGE}
    return Frames(layers=layers, curves=curves, **others)


def read_frame(directory: Path, name: str) -> pd.DataFrame:
    """Read one frame from a report's folder; raises as `read_frames`."""
    path = path_of(directory, name)
    if name in OPTIONAL and not path.exists():
        return as_frame(name, [])
    try:
        # The bytes, not the path: of a folder pyarrow makes an empty table.
        found: pd.DataFrame = pq.read_table(pa.BufferReader(path.read_bytes())).to_pandas()
        return found
    except FileNotFoundError:
        raise
    except Exception as error:  # pyarrow raises a dozen kinds for damaged bytes
        raise damaged(path) from error


def path_of(directory: Path, name: str) -> Path:
    """Return the file of a frame in a report's folder."""
    return directory / f"{name}.parquet"


def metric_columns(runs: pd.DataFrame) -> list[str]:
    """Return the columns of `runs` that hold metrics: all that are no factor's and not known."""
    others = [str(name) for name in runs if name not in COLUMNS["runs"]]
    return [name for name in others if not name.startswith((FACTOR, TUNED))]


def as_frame(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a frame of `rows`; other columns than its own stand behind them in their order."""
    rows_read: pd.DataFrame = rows_table(name, rows, columns).to_pandas()
    return rows_read


def rows_table(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> pa.Table:
    """Return what `as_frame` does, as it is written."""
    known = COLUMNS[name]
    found = {column for row in rows for column in row}
    columns = columns or [*known, *sorted(found - known.keys())]
    # As objects: an integer beside a missing one is no float.
    return as_table(name, pd.DataFrame(rows, columns=list(columns), dtype=object))


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as it comes back from a file."""
    typed: pd.DataFrame = as_table(name, frame).to_pandas()
    return typed


def as_table(name: str, frame: pd.DataFrame) -> pa.Table:
    """Return a frame as it is written: NaN is null.

    The columns of factors are names of levels, all others that are not known are numbers.
    """
    others = {column: _TEXT if column.startswith(FACTOR) else _FLOAT for column in map(str, frame)}
    schema = pa.schema(
        [(column, COLUMNS[name].get(column, kind)) for column, kind in others.items()]
    )
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    # pandas' metadata names its version: two environments would differ for no reason.
    return table.replace_schema_metadata(None)
