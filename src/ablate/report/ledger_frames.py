"""Frames from the ledger: read a few runs at a time, and kept or written as they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ablate.metrics.scores import calibration_bins
from ablate.report.columns import level_column, tuned_column
from ablate.report.frame import (
    COLUMNS,
    LARGE,
    OPTIONAL,
    ORIGIN,
    USUAL,
    Frames,
    as_frame,
    as_table,
    path_of,
    rows_table,
    typed,
)
from ablate.report.held_out import HeldOut, HeldOutReader, examples_row
from ablate.report.loss_blocks import Losses
from ablate.report.probed_rows import layer_rows, pixel_row, weight_rows
from ablate.report.stored import Stored, TableFile, taken
from ablate.store import reader
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.reader import Finished
from ablate.store.result import CONFIG, Result, read_result

#: What a row of `runs` has from the run's result as it is.
_RESULT = ("key", "status", "nc_reason", "diverged_at_step", "parameters", "multiply_adds")
#: Frames that need a file which is not held against its digest as it is read: config or times.
_OF_CONFIG = frozenset({"calibration", "examples", "timings"})
#: Runs that are in memory at a time, with all that the probe saw of them.
_AT_ONCE = 500
#: Results that are in memory at a time, where nothing else is read of runs.
_RESULTS_AT_ONCE = 2_000

#: A cell with its runs that ended.
CellRuns = tuple[LedgerCell, Sequence[Finished]]
#: By name of a frame the folders of the cells that it is read of.
Wanted = Mapping[str, Collection[str]]


@dataclass(frozen=True, eq=False)
class _Source:
    """Where frames are read from, and which.

    held_out  the test sets, which calibration and examples need
    known     test sets by the digest of a config: runs of a cell have one, which is long to read
    tuned     values that were chosen, likewise
    """

    folder: Path
    wanted: Wanted
    held_out: HeldOutReader | None
    known: dict[str, HeldOut] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)

    def names(self, cell: LedgerCell) -> frozenset[str]:
        """Return the frames that are read of a cell."""
        return frozenset(name for name, cells in self.wanted.items() if cell.slug in cells)


def runs_of(root: Path, study_name: str, cells: Iterable[LedgerCell]) -> list[CellRuns]:
    """Return the runs of a study that ended and are not stale, by cell."""
    return [(cell, list(reader.finished(root, study_name, cell))) for cell in cells]


def runs_frame(runs: Iterable[CellRuns]) -> pd.DataFrame:
    """Return the frame `runs` alone: nothing but the result of a run is read, and none is kept.

    Of a cell that tunes a key the runs are read to find the values that were chosen.
    """
    cells, tables = list[LedgerCell](), list[pa.Table]()
    tuned: dict[str, Any] = {}
    for some in _portions(runs, _RESULTS_AT_ONCE):
        cells += [cell for cell, _ in some]
        rows = [_run_row(cell, *one, tuned) for cell, ended in some for one in ended]
        found = {name for row in rows for name in row}
        tables.append(rows_table("runs", rows, _run_columns(found, cells)))
    frame: pd.DataFrame = _joined("runs", tables, cells).to_pandas()
    return frame


def frames(
    root: Path,
    study_name: str,
    runs: Sequence[CellRuns],
    names: Collection[str] = USUAL,
    held_out: HeldOutReader | None = None,
) -> Frames:
    """Read frames from `runs/<study>/` into memory.

    names     those that are read beside `runs`; the others have no rows
    held_out  the test sets, which calibration and examples need

    Failed runs have a row in `runs` only. Raises LedgerError naming the file where one that is
    read is damaged; others are not looked at.
    """
    every = [cell.slug for cell, _ in runs]
    source = _Source(root / "runs" / study_name, dict.fromkeys(names, every), held_out)
    with closing(Losses()) as losses:
        found = _frames_of(_read(source, runs, losses), [cell for cell, _ in runs])
        curves = [as_frame("curves", []), *(typed("curves", one) for one in losses.curves())]
        return replace(
            found,
            layers=typed("layers", taken(found.layers)),
            curves=pd.concat(curves, ignore_index=True),
        )


def write_ledger_frames(
    directory: Path,
    root: Path,
    study_name: str,
    runs: Sequence[CellRuns],
    wanted: Wanted,
    thin: Callable[[Frames], Frames],
    held_out: HeldOutReader | None = None,
) -> Frames:
    """Write frames from the ledger into an empty directory, and return them.

    thin  what is kept of the frames of some cells

    No more than some hundred runs, or one cell's, are in memory with all that was measured of
    them. Raises as `frames`.
    """
    source = _Source(root / "runs" / study_name, wanted, held_out)
    cells = [cell for cell, _ in runs]
    tables: dict[str, list[pa.Table]] = defaultdict(list)
    with closing(Losses()) as losses, closing(TableFile(path_of(directory, "layers"))) as layers:
        layers.add(as_table("layers", as_frame("layers", [])))
        for some in _portions(runs, _AT_ONCE):
            found = thin(_frames_of(_read(source, some, losses), cells))
            for name, frame in vars(found).items():
                if name == "layers":
                    layers.add(as_table(name, taken(frame)))
                elif name != "curves":
                    tables[name].append(as_table(name, frame))
        with closing(TableFile(path_of(directory, "curves"))) as curves:
            curves.add(as_table("curves", as_frame("curves", [])))
            for frame in losses.curves():
                curves.add(as_table("curves", frame))
    kept = {}
    for name in COLUMNS:
        if name in tables:
            table = _joined(name, tables.pop(name), cells)
            kept[name] = table.to_pandas()
            if name not in OPTIONAL or table.num_rows:
                with closing(TableFile(path_of(directory, name))) as file:
                    file.add(table)
    layers_stored, curves_stored = (Stored(path_of(directory, name)) for name in LARGE)
    return Frames(layers=layers_stored, curves=curves_stored, **kept)


def _portions(runs: Iterable[CellRuns], at_once: int) -> Iterator[list[CellRuns]]:
    """Yield cells that have about so many runs; last, or alone, what is left of them."""
    some, count = list[CellRuns](), 0
    for one in runs:
        some.append(one)
        count += len(one[1])
        if count >= at_once:
            yield some
            some, count = [], 0
    yield some


def _joined(name: str, tables: Sequence[pa.Table], cells: Sequence[LedgerCell]) -> pa.Table:
    """Return one table of the rows of many, which may have columns of their own."""
    found = dict.fromkeys(column for table in tables for column in table.column_names)
    ordered = _run_columns(found, cells) if name == "runs" else _columns(name, found)
    joined = pa.concat_tables(tables, promote_options="default").select(ordered)
    return joined.combine_chunks()


def _columns(name: str, found: Iterable[str]) -> list[str]:
    return [*COLUMNS[name], *sorted(set(found) - COLUMNS[name].keys())]


def _run_columns(found: Iterable[str], cells: Sequence[LedgerCell]) -> list[str]:
    """Return the columns of `runs` in order, with those of factors, metrics and tuned keys."""
    factors = dict.fromkeys(level_column(name) for cell in cells for name in cell.levels)
    tuned = dict.fromkeys(tuned_column(cell.tuned) for cell in cells if cell.tuned)
    metrics = sorted(set(found) - {*COLUMNS["runs"], *factors, *tuned})
    behind = {"replicate": factors, "diverged_at_step": metrics, "multiply_adds": tuned}
    return [column for name in COLUMNS["runs"] for column in (name, *behind.get(name, ()))]


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read of some runs: rows by frame, and the columns of layers of each run."""

    rows: Mapping[str, list[dict[str, Any]]]
    layers: Sequence[Mapping[str, np.ndarray]]


def _frames_of(read: _Read, cells: Sequence[LedgerCell]) -> Frames:
    rows, layers = read.rows, _nothing("layers")
    if read.layers:
        # One frame of the columns of many runs: a frame for each takes ten times as long.
        columns = {n: np.concatenate([one[n] for one in read.layers]) for n in read.layers[0]}
        layers = pd.DataFrame(columns)
    found = {name for row in rows["runs"] for name in row}
    others = {
        n: as_frame(n, rows[n]) if rows[n] else _nothing(n)
        for n in COLUMNS
        if n not in ("runs", "layers")
    }
    return Frames(
        runs=as_frame("runs", rows["runs"], _run_columns(found, cells)), layers=layers, **others
    )


@cache
def _nothing(name: str) -> pd.DataFrame:
    """Return a frame without rows: most have none, portion after portion."""
    return as_frame(name, [])


def _read(source: _Source, runs: Sequence[CellRuns], losses: Losses) -> _Read:
    """Read some runs; their losses go into `losses`."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    layers: list[dict[str, np.ndarray]] = []
    for cell, ended in runs:
        names = source.names(cell)
        for replicate, directory, result in ended:
            if result.schema == 1 or names & _OF_CONFIG:
                reader.check_whole(directory, result)
            rows["runs"].append(_run_row(cell, replicate, directory, result, source.tuned))
            if result.status == "failed":
                continue
            place = {"cell": cell.slug, "replicate": replicate}
            for name, found in _of_run(source, names, directory, result):
                rows[name].append({**found, **place})
            if names & {"layers", "pixels"}:
                probe = reader.read_arrays(directory, "probe", result)
                if "layers" in names:
                    layers += _of_probe(place, probe)
                if "pixels" in names and "pixel_units" in probe:
                    rows["pixels"].append({**place, **pixel_row(probe)})
            if "curves" in names:
                loss = reader.read_arrays(directory, "curve", result)["loss"]
                losses.add(cell.slug, replicate, loss)
        if cell.tuned and "tuning" in names:
            folder = source.folder / cell.slug / "tune"
            rows["tuning"] += _tuning_rows(folder, cell, cell.tuned)
    return _Read(rows, layers)


def _of_run(
    source: _Source, names: Collection[str], directory: Path, result: Result
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a run's rows of evaluations and of predictions, each by the name of its frame."""
    if "epochs" in names or "timings" in names:
        evaluations = reader.read_evaluations(directory, result)
        if "epochs" in names:
            yield from (("epochs", evaluation) for evaluation in evaluations)
        if "timings" in names:
            for evaluation, t in zip(
                evaluations, reader.read_times(directory, result)[1], strict=True
            ):
                yield "timings", {"step": evaluation["step"], "seconds": t}
    if source.held_out is not None and ("calibration" in names or "examples" in names):
        yield from _of_predictions(source, names, directory, result)


def _of_predictions(
    source: _Source, names: Collection[str], directory: Path, result: Result
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    logits = reader.read_arrays(directory, "predictions", result).get("logits")
    if logits is None:
        return
    digest = result.digests.get("config.yaml", f"{directory}")
    if digest not in source.known:
        assert source.held_out is not None
        source.known[digest] = source.held_out(reader.read_config(directory, result))
    test_set = source.known[digest]
    if "calibration" in names:
        yield from (("calibration", row) for row in calibration_bins(logits, test_set.labels))
    if "examples" in names and (row := examples_row(logits, test_set)):
        yield "examples", row


def _of_probe(
    place: Mapping[str, Any], probe: Mapping[str, np.ndarray]
) -> Iterator[dict[str, np.ndarray]]:
    if len(probe.get("layers", ())):
        yield layer_rows(place, probe)
    if "weight_layers" in probe:
        yield weight_rows(place, probe)


def _run_row(
    cell: LedgerCell, replicate: int, directory: Path, result: Result, tuned: dict[str, Any]
) -> dict[str, Any]:
    """Return the row of a run; `tuned` keeps the chosen values by the digest of a config."""
    origin = result.provenance
    row: dict[str, Any] = {
        **result.metrics,
        "cell": cell.slug,
        "cell_key": cell.key,
        "replicate": replicate,
        **{name: getattr(result, name) for name in _RESULT},
        **{name: origin.get(name) for name in ORIGIN},
        "torch": origin.get("versions", {}).get("torch"),
        **{level_column(name): level for name, level in cell.levels.items()},
    }
    if cell.tuned:
        # Before schema 3 each run had its config to itself.
        shared = result.digests[CONFIG] if result.schema > 2 else str(directory)
        if shared not in tuned:
            tuned[shared] = reader.tuned_value(directory, cell.tuned, result)
        row[tuned_column(cell.tuned)] = tuned[shared]
    return row


def _tuning_rows(folder: Path, cell: LedgerCell, key: str) -> list[dict[str, Any]]:
    rows = []
    for path in folder.glob("*/[!.]*/result.json"):
        result = read_result(path.parent)
        if result is not None:
            value = reader.tuned_value(path.parent, key, result)
            if not isinstance(value, int | float):
                raise LedgerError(f"the config of {path.parent} has no number at '{key}'.")
            place = {"cell": cell.slug, "key": key, "value": float(value)}
            run = {"replicate": int(path.parent.name), "status": result.status}
            rows.append({**place, **run, **result.metrics})
    return sorted(rows, key=lambda row: (row["value"], row["replicate"]))
