"""`index.json`: what a study's runs must be, so that nobody composes to find out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablate.errors import reason
from ablate.store.cell import LedgerCell
from ablate.store.files import (
    LedgerError,
    json_bytes,
    parse_sealed,
    sealed,
    write_atomically,
)


@dataclass(frozen=True)
class Index:
    """What `ablate sweep` has declared of the runs.

    device  the kind that their keys are of, `cpu` or `cuda`; None in an index of version 0.1
    tuning  digest of the keys of the tuning runs; None where nothing is tuned
    code    folders, from the root, in which the user's own code was found
    trainer by slug of a cell what of its trainer changes no key and is not the default
    """

    cells: Sequence[LedgerCell]
    device: str | None = None
    tuning: str | None = None
    code: Sequence[str] = ()
    trainer: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_index(root: Path, study: str, index: Index) -> None:
    """Write `runs/<study>/index.json`, unless it says the same already."""
    path = _path(root, study)
    fields = [asdict(cell) for cell in index.cells]
    for cell in fields:
        if not cell["looks"]:  # as most studies have it
            del cell["looks"]
    facts = {name: value for name, value in asdict(index).items() if name != "cells"}
    told = {name: value for name, value in facts.items() if value}
    content = json_bytes(sealed({"cells": fields, **told}, path), path)
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def read_index(root: Path, study: str) -> list[LedgerCell] | None:
    """Return the cells of the study's latest sweep; None where it was never swept.

    Raises LedgerError when the file is damaged.
    """
    index = read_declared(root, study)
    return None if index is None else list(index.cells)


def read_declared(root: Path, study: str) -> Index | None:
    """Return what the study's latest sweep has declared of its runs; as `read_index`."""
    path = _path(root, study)
    if not path.exists():
        return None
    try:
        content = parse_sealed(path.read_bytes(), path)
        cells = [
            LedgerCell(**cell | {name: tuple(cell.get(name, ())) for name in ("run_keys", "looks")})
            for cell in content["cells"]
        ]
        return Index(
            cells,
            content.get("device"),
            content.get("tuning"),
            content.get("code", ()),
            content.get("trainer", {}),
        )
    except (AttributeError, KeyError, TypeError, OSError) as error:
        raise LedgerError(
            f"{path} is damaged: {reason(error)}; sweep again to write it anew."
        ) from error


def _path(root: Path, study: str) -> Path:
    return root / "runs" / study / "index.json"
