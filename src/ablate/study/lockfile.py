"""`study.lock.yaml`: what was declared before the first run. It is only ever appended to."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ablate.config.key import canonical
from ablate.config.validate import run_config, validated
from ablate.errors import ConfigError, check_nesting, reason
from ablate.study.plan import Cell, Plan
from ablate.study.schema import Study

NAME = "study.lock.yaml"


@dataclass(frozen=True)
class Locked:
    """The latest declaration of a study.

    digest          the SHA-256 of the lock file's text
    looks           how many numbers of replicates were declared: each is a look at the data
    claims_changed  whether the first declaration had other claims, their words aside
    claims_reworded whether it said the same claims in other words
    """

    study: Study
    cells: tuple[Cell, ...]
    digest: str
    looks: int = 1
    claims_changed: bool = False
    claims_reworded: bool = False


def lock_study(folder: Path, plan: Plan) -> None:
    """Append the plan to the folder's lock file, unless it is what the file last said."""
    entry = {
        "study": plan.study.as_declared(),
        "cells": [
            {**vars(cell), "levels": dict(cell.levels), "config": canonical(cell.config)}
            for cell in plan.cells
        ],
    }
    text = yaml.dump([entry], Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    path = folder / NAME
    before = _text(path) if path.exists() else ""
    if before.endswith(text):
        return
    # The same may have been said in another order of keys.
    if not before or _entries(before, path)[-1:] != _entries(text, path):
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def read_lock(folder: Path) -> Locked | None:
    """Return the latest declaration, or None where there is no lock file.

    Raises ConfigError when the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    text = _text(path)
    entries = _entries(text, path)
    try:
        entry, first = entries[-1], entries[0]["study"]
        cells = tuple(
            Cell(**{**cell, "config": run_config(cell["config"])}) for cell in entry["cells"]
        )
        study = validated(Study, entry["study"])
        looks = len({one["study"]["replicates"] for one in entries})
        claims, now = (one.get("claims", []) for one in (first, entry["study"]))
        changed = _rules(claims) != _rules(now)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Locked(study, cells, digest, looks, changed, not changed and claims != now)
    except Exception as error:  # what lies there may be of any shape
        raise _damaged(path, error) from error


def _rules(claims: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what decides claims: all but the words in which they are said."""
    return [{name: said for name, said in claim.items() if name != "text"} for claim in claims]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _entries(text: str, path: Path) -> list[dict[str, Any]]:
    """Return all declarations of a lock file's text; raises ConfigError naming `path`."""
    try:
        check_nesting(text, path)
        entries = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(entries, list):
        raise _damaged(path, "it holds no list")
    return entries


def _damaged(path: Path, why: object) -> ConfigError:
    return ConfigError(f"{path} is damaged: {reason(why)}; delete it and sweep again.")
