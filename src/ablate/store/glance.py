"""How the runs of a cell stand, seen at a glance: of a hundred thousand in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError, parse_sealed
from ablate.store.result import CONFIG, SCHEMA, Result, config_path
from ablate.store.state import COMPLETE, State, state, state_of


def states(folder: Path, cell: LedgerCell) -> Iterator[State]:
    """Yield the state of each replicate of a cell, from its folder.

    Files of complete runs are there and have the size that they had: one that was altered and kept
    its size passes for whole. A sweep and a report read them, by `ablate.store.state.state`.
    """
    configs: dict[
        str, int | None
    ] = {}  # sizes, which are the same file for all that have the digest
    for replicate in range(cell.replicates):
        # As texts: joining paths takes longer than all else here.
        yield _state(f"{folder}/{replicate}", cell.expected(replicate), configs)


def _state(directory: str, key: str | None, configs: dict[str, int | None]) -> State:
    path = f"{directory}/result.json"
    try:
        with open(path, "rb") as stream:
            content = parse_sealed(stream.read(), Path(path))
        result = Result(**{name: value for name, value in content.items() if name != "digest"})
        known = state_of(result, key)
        if result.schema == SCHEMA and known in get_args(State):
            whole = known not in COMPLETE or _is_there(directory, result, configs)
            return known if whole else "damaged"
    except FileNotFoundError:
        return "missing"
    except (OSError, LedgerError, AttributeError, KeyError, TypeError):
        pass
    return state(Path(directory), key)[0]  # which knows what to call any other


def _is_there(directory: str, result: Result, configs: dict[str, int | None]) -> bool:
    for name, size in result.sizes.items():
        if name != CONFIG:
            there = _size(f"{directory}/{name}")
        elif (digest := result.digests[CONFIG]) in configs:
            there = configs[digest]
        else:
            there = configs[digest] = _size(config_path(Path(directory), digest))
        if there != size:
            return False
    return True


def _size(path: str | Path) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
