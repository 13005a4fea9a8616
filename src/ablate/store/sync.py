"""The MLflow store rebuilt from the ledger: afterwards it says what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.cell import LedgerCell
from ablate.store.database import StoreError
from ablate.store.held import add_tags, release, stand_in, unless_gone
from ablate.store.live import mirroring
from ablate.store.matching import Listing, Matched, list_runs, match, unwanted
from ablate.store.mirror import PARENT, mirror_run
from ablate.store.parent import by_id, create_parent, finish_cell
from ablate.store.report_run import ReportPage, mirror_report
from ablate.store.side_by_side import is_overload, side_by_side
from ablate.store.tracking import Store, open_store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

#: Looks at a store that others write to as well: after the first number of them, what is said of
#: runs may stay as it is, for those others say it again; after the second, something is wrong.
_ENOUGH, _TOO_MANY = 3, 20


@dataclass(frozen=True)
class Synced:
    """How many runs of replicates were written, found up to date and deleted."""

    written: int
    kept: int
    deleted: int


def sync(
    root: Path,
    study: str,
    question: str,
    cells: Sequence[LedgerCell],
    report: ReportPage | None = None,
) -> Synced:
    """Bring the study's experiment up to the ledger; a second call changes nothing.

    Runs that MLflow has under an old key, or twice, or half, are deleted, unless another ledger
    has them (`ablate.store.held`); runs without the tag `ablate.kind` are somebody's own and stay.

    Where others write to the store as well, only a look that finds nothing to do is the last. So,
    whatever two of them have done at once, the later of their last looks came upon it; and when
    all have ended there is one run for each cell and each run of a ledger.

    Raises StoreError where the others never come to an end.
    """
    store = open_store(root, study, question, "" if report is None else report.description)
    written = kept = deleted = 0
    for look in count(1):
        listing = list_runs(store)
        all_matched = [match(store, listing, cell) for cell in cells]
        old = unwanted(store, listing, all_matched)
        try:
            moved, told = _bring_up(store, listing, all_matched, old)
        except Exception as error:
            if store.threads == 1 or not is_overload(error):
                raise
            store = replace(store, threads=1)
            continue
        written += sum(len(found.missing) for found in all_matched)
        deleted += sum(len(found.doubles) for found in all_matched)
        deleted += sum(run.data.tags["ablate.kind"] == "replicate" for run in old)
        if look == 1:
            kept = sum(len(found.standing) for found in all_matched)
        if not store.shared or not (moved or (told and look < _ENOUGH)):
            break
        if look == _TOO_MANY:
            raise StoreError(
                f"MLflow's runs of '{study}' go on changing while others write to them; "
                "`ablate sync` brings them up to date once those have ended."
            )
    if report is not None:
        mirror_report(store, report)
    mirroring(root, study).unlink(missing_ok=True)
    return Synced(written, kept, deleted)


def _bring_up(
    store: Store, listing: Listing, all_matched: Sequence[Matched], old: Sequence[MlflowRun]
) -> tuple[bool, bool]:
    """Do what a look at MLflow has found, several calls at a time.

    Returns whether runs came, went or changed their cell or their ledgers, and whether something
    new is said of any.
    """
    placed = list(enumerate(all_matched, start=1))
    made = [partial(_parent, store, place, found) for place, found in placed]
    parents = side_by_side(made, store.threads)
    below = list(zip(all_matched, parents, strict=True))
    writes = [
        partial(mirror_run, store, found.cell, replicate, result, parent)
        for found, parent in below
        for replicate, _, result in found.missing
    ]
    side_by_side(writes, store.threads)
    moves = [
        partial(_move, store, run, parent, is_standing)
        for found, parent in below
        for run, is_standing in _to_move(listing, found)
    ]
    moved = any(side_by_side(moves, store.threads))
    tells = [partial(_tell, store, *of, parent) for of, parent in zip(placed, parents, strict=True)]
    told = any(side_by_side(tells, store.threads))
    # Once another stands for them in all that they had.
    doubles = [(run, by_id(stays)) for found in all_matched for run, stays in found.doubles]
    doubles += [(run, parent) for found, parent in below for run in found.spare]
    side_by_side([partial(stand_in, store, run, stays) for run, stays in doubles], store.threads)
    side_by_side([partial(release, store, run) for run in old], store.threads)
    new = any(found.missing or found.parent is None for found in all_matched)
    return bool(moved or new or doubles or old), told


def _parent(store: Store, place: int, found: Matched) -> str:
    if found.parent is None:
        return create_parent(store, found.cell, place)
    return by_id(found.parent)


def _to_move(listing: Listing, found: Matched) -> Iterator[tuple[MlflowRun, bool]]:
    """Yield the runs that belong below the cell's, and whether each stands for one of ours."""
    ids = {by_id(run) for run in found.standing}
    yield from ((run, True) for run in found.standing)
    for parent in found.spare:
        yield from (
            (run, False) for run in listing.below.get(by_id(parent), ()) if by_id(run) not in ids
        )


def _move(store: Store, run: MlflowRun, parent: str, is_standing: bool) -> bool:
    """Hang a run below its cell's, and say that our ledger has it where it stands for one of ours.

    Returns whether it was otherwise.
    """
    tags = {PARENT: parent, **({store.ledger: "yes"} if is_standing else {})}
    new = {name: text for name, text in tags.items() if run.data.tags.get(name) != text}
    if new:
        add_tags(store, by_id(run), new)
    return bool(new)


def _tell(store: Store, place: int, found: Matched, parent: str) -> bool:
    """Write what is new of a cell; return whether anything is, or somebody has deleted it."""
    cell, before = found.cell, found.parent
    told = []

    def tell() -> None:
        if before is not None and before.info.run_name != cell.name:
            store.client.update_run(parent, name=cell.name)
        told.append(finish_cell(store, cell, parent, found.ours, found.others, place, before))

    unless_gone(tell)
    return told != [False]
