"""What MLflow has of a study beside what the ledger has: decisions alone, nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.store.cell import LedgerCell
from ablate.store.held import has_others, is_ours
from ablate.store.mirror import PARENT, fingerprint
from ablate.store.parent import by_id, cell_values, is_parent
from ablate.store.reader import Finished, finished
from ablate.store.tracking import Store, all_runs

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun


@dataclass(frozen=True)
class Listing:
    """The runs of MLflow that are some ledger's: of cells, of replicates, and both sorted.

    of_cell  runs of cells by the cell's key
    of_key   runs of replicates by the keys of cell and run: two cells of a control (A/A) have
             runs with equal keys
    below    these by the id of the run of MLflow that is their parent
    """

    cells: Sequence[MlflowRun]
    replicates: Sequence[MlflowRun]
    of_cell: Mapping[str | None, Sequence[MlflowRun]]
    of_key: Mapping[tuple[str | None, str | None], Sequence[MlflowRun]]
    below: Mapping[str | None, Sequence[MlflowRun]]


@dataclass(frozen=True)
class Matched:
    """A cell in MLflow and in the ledger.

    ours      runs of the ledger that MLflow has, or will have, as they are there
    missing   those of them that are to be written
    standing  runs of MLflow that stand for runs of the ledger
    doubles   runs of MLflow and, for each, the standing one that makes it one too many
    others    runs of MLflow that count in the cell beside `ours`
    parent    the cell's run in MLflow, None where one is to be made
    spare     runs of MLflow that were its parents until now
    """

    cell: LedgerCell
    ours: Sequence[Finished]
    missing: Sequence[Finished]
    standing: Sequence[MlflowRun]
    doubles: Sequence[tuple[MlflowRun, MlflowRun]]
    others: Sequence[MlflowRun]
    parent: MlflowRun | None
    spare: Sequence[MlflowRun]


def list_runs(store: Store) -> Listing:
    """Return what MLflow has now."""
    cells = all_runs(store, "tags.`ablate.kind` = 'cell'")
    replicates = all_runs(store, "tags.`ablate.kind` = 'replicate'")
    of_cell, of_key, below = defaultdict(list), defaultdict(list), defaultdict(list)
    for run in cells:
        of_cell[run.data.tags.get("ablate.key")].append(run)
    for run in replicates:
        tags = run.data.tags
        of_key[tags.get("ablate.cell"), tags.get("ablate.key")].append(run)
        below[tags.get(PARENT)].append(run)
    return Listing(cells, replicates, of_cell, of_key, below)


def match(store: Store, listing: Listing, cell: LedgerCell) -> Matched:
    """Return what MLflow has of a cell, and what of that is to stay.

    A run of another ledger stands for ours of the same key, for it is the same training; unless it
    failed and ours did not.
    """
    ours, missing, standing, others = [], [], [], []
    doubles = []
    known = set()
    for replicate, directory, result in finished(store.root, store.study, cell):
        known.add(result.key)
        same = fingerprint(cell, replicate, result)
        found = [
            run
            for run in listing.of_key.get((cell.key, result.key), ())
            if _is_whole(run)
            and (has_others(store, run) or run.data.tags.get("ablate.fingerprint") == same)
        ]
        first = min(found, key=_rank, default=None)
        if first is None or (_has_failed(first) and result.status != "failed"):
            missing.append((replicate, directory, result))
            ours.append((replicate, directory, result))
            continue
        standing.append(first)
        doubles += [(run, first) for run in found if run is not first]
        if first.data.tags.get("ablate.fingerprint") == same:
            ours.append((replicate, directory, result))
        else:
            others.append(first)
    there = listing.of_cell.get(cell.key, ())
    parents = sorted((run for run in there if is_parent(run, cell)), key=by_id)
    others += _of_others(store, listing, parents, known)
    # Params and metrics of a run can be written and never taken back.
    values = cell_values(cell, ours, others)
    fit = (run for run in parents if not set(run.data.metrics) - set(values))
    parent = next(fit, None)
    spare = [run for run in parents if run is not parent]
    return Matched(cell, ours, missing, standing, doubles, others, parent, spare)


def _of_others(
    store: Store, listing: Listing, parents: Iterable[MlflowRun], known: set[str]
) -> list[MlflowRun]:
    """Return the runs below the cell's that other ledgers alone have, one for each key."""
    first: dict[str, MlflowRun] = {}
    below = (run for parent in parents for run in listing.below.get(by_id(parent), ()))
    for run in sorted(below, key=_rank):
        key = run.data.tags.get("ablate.key", "")
        if key not in known and _is_whole(run) and has_others(store, run):
            first.setdefault(key, run)
    return list(first.values())


def unwanted(store: Store, listing: Listing, all_matched: Sequence[Matched]) -> list[MlflowRun]:
    """Return the runs that MLflow has for our ledger, which has them no more."""
    wanted = {by_id(run) for found in all_matched for run in (*found.standing, *found.spare)}
    wanted |= {by_id(run) for found in all_matched for run, _ in found.doubles}
    wanted |= {by_id(found.parent) for found in all_matched if found.parent is not None}
    runs = (*listing.cells, *listing.replicates)
    return [run for run in runs if is_ours(store, run) and by_id(run) not in wanted]


def _rank(run: MlflowRun) -> tuple[bool, str]:
    return _has_failed(run), by_id(run)


def _has_failed(run: MlflowRun) -> bool:
    return bool(run.data.tags.get("ablate.status") == "failed")


def _is_whole(run: MlflowRun) -> bool:
    return bool(run.info.status != "RUNNING")
