"""Entries of one ledger brought into another, by key; what differs is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import ConfigError
from ablate.store.adopt import adopt_entry, entry_files
from ablate.store.compared import compared_bytes
from ablate.store.files import LedgerError
from ablate.store.ledger import move_stale
from ablate.store.result import Result, read_result
from ablate.store.state import COMPLETE, state


@dataclass(frozen=True)
class Merged:
    """How many entries came over, and how many were there already with the same numbers."""

    brought: int
    same: int


def check_equal(there: Path, here: Path) -> None:
    """Raise ConfigError where a run is in both folders of a study, with one key and other numbers.

    there, here  `runs/<study>` of the two ledgers
    """
    for directory, result in _ended(there):
        place = directory.relative_to(there)
        ours = here / place
        if state(ours, result.key)[0] not in COMPLETE:
            continue
        if compared_bytes(directory) != compared_bytes(ours):
            own = read_result(ours)
            assert own is not None
            made = " and ".join(
                str(one.provenance.get("cpu_capability") or one.provenance.get("cpu"))
                for one in (own, result)
            )
            said = f"{directory} and {ours} have one key and other numbers ({made})"
            raise ConfigError(
                f"{said}: runs of different processors are no pairs; nothing was merged."
            )


def merge_entries(there: Path, here: Path, root: Path) -> Merged:
    """Bring every run of `there` that has ended by itself to `here`; call `check_equal` before.

    root  of the ledger that they come to: what they replace moves to its `runs/.stale/`
    """
    brought = same = 0
    for directory, result in _ended(there):
        ours = here / directory.relative_to(there)
        if state(ours, result.key)[0] in COMPLETE:
            same += 1
            continue
        if (ours / "result.json").exists():
            move_stale(ours, root)
        adopt_entry(ours, entry_files(directory), result.key)
        brought += 1
    return Merged(brought, same)


def _ended(folder: Path) -> Iterator[tuple[Path, Result]]:
    """Yield the whole runs below a study's folder, tuning runs and members among them."""
    for path in sorted(folder.rglob("result.json")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden:
            continue
        try:
            result = read_result(path.parent)
        except LedgerError:
            continue
        if result is not None and state(path.parent, result.key)[0] in COMPLETE:
            yield path.parent, result
