"""Removing replaced and orphaned runs, with what they take on disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ablate.store.index import read_index
from ablate.store.lock import running


@dataclass(frozen=True)
class Stale:
    """A folder that no study asks for any more, and its size in bytes."""

    path: Path
    size: int


def stale_runs(root: Path) -> list[Stale]:
    """Return replaced entries, and cells that their study's last sweep did not have.

    Studies that a living process sweeps are left alone.
    """
    found = [path for path in (root / "runs" / ".stale").glob("*") if path.is_dir()]
    for index in sorted((root / "runs").glob("[!.]*/index.json")):
        study = index.parent.name
        if running(root, study) is not None:
            continue
        known = {cell.slug for cell in read_index(root, study) or ()} | {"members"}
        found += [
            path for path in index.parent.iterdir() if path.is_dir() and path.name not in known
        ]
    return [Stale(path, _size(path)) for path in sorted(found)]


def remove(stale: Stale) -> None:
    """Remove a folder with all that is in it."""
    shutil.rmtree(stale.path)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
