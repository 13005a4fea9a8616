"""`index.json`: the keys that a study's runs must have, so that nobody composes to find out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ablate.errors import reason
from ablate.store.cell import LedgerCell
from ablate.store.files import (
    LedgerError,
    json_bytes,
    parse_json,
    sealed,
    unsealed,
    write_atomically,
)


def write_index(root: Path, study: str, cells: Sequence[LedgerCell]) -> None:
    """Write `runs/<study>/index.json`, unless it says the same already."""
    path = _path(root, study)
    fields = [asdict(cell) for cell in cells]
    for cell in fields:
        if not cell["looks"]:  # as most studies have it
            del cell["looks"]
    content = json_bytes(sealed({"cells": fields}, path), path)
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def read_index(root: Path, study: str) -> list[LedgerCell] | None:
    """Return the cells of the study's latest sweep; None where it was never swept.

    Raises LedgerError when the file is damaged.
    """
    path = _path(root, study)
    if not path.exists():
        return None
    try:
        content = unsealed(parse_json(path.read_bytes(), path), path)
        return [
            LedgerCell(**cell | {name: tuple(cell.get(name, ())) for name in ("run_keys", "looks")})
            for cell in content["cells"]
        ]
    except (AttributeError, KeyError, TypeError, OSError) as error:
        raise LedgerError(
            f"{path} is damaged: {reason(error)}; sweep again to write it anew."
        ) from error


def _path(root: Path, study: str) -> Path:
    return root / "runs" / study / "index.json"
