"""`study.lock.yaml`: what was declared before the first run. It is only ever appended to."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ablate.config.key import canonical
from ablate.config.validate import run_config, validated
from ablate.errors import ConfigError, check_nesting, reason
from ablate.study.deviations import (
    Deviation,
    deviations,
    exploratory_claims,
    exploratory_items,
    since_first_run,
)
from ablate.study.items import Item
from ablate.study.plan import Cell, Plan
from ablate.study.schema import Study

NAME = "study.lock.yaml"


@dataclass(frozen=True)
class Locked:
    """The latest declaration of a study.

    digest          the SHA-256 of the lock file's text, less the days of declarations
    deviations      the declarations after the first run that asked something else of the data
    exploratory_claims  names of claims whose rule was not declared before the first run
    exploratory_items   items of the report that carry tests and were not declared before it
    claims_reworded whether the first declaration said the same claims in other words
    """

    study: Study
    cells: tuple[Cell, ...]
    digest: str
    deviations: tuple[Deviation, ...] = ()
    exploratory_claims: tuple[str, ...] = ()
    exploratory_items: tuple[Item, ...] = ()
    claims_reworded: bool = False

    @property
    def declarations(self) -> int:
        """How many declarations looked at runs, the first among them."""
        return 1 + len(self.deviations)


def lock_study(folder: Path, plan: Plan, has_runs: Callable[[], bool] = lambda: True) -> None:
    """Append the plan to the folder's lock file, unless it is what the file last said.

    has_runs  tells whether a run of the study has ended; what is declared before is no deviation
    """
    entry: dict[str, Any] = {
        "study": plan.study.as_declared(),
        "cells": [
            {**vars(cell), "levels": dict(cell.levels), "config": canonical(cell.config)}
            for cell in plan.cells
        ],
    }
    text, path = _yaml(entry), folder / NAME
    before = _text(path) if path.exists() else ""
    if _undated(before).endswith(text):
        return
    # The same may have been said in another order of keys.
    last = _entries(before, path)[-1:] if before else []
    if [_said(one) for one in last] != _entries(text, path):
        entry["declared"] = datetime.now(UTC).date()
        if last and not has_runs():
            entry["before_first_run"] = True
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(_yaml(entry))


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
        declared = since_first_run(entries)
        first, entry = declared[0], declared[-1]
        cells = tuple(
            Cell(**{**cell, "config": run_config(cell["config"])}) for cell in entry["cells"]
        )
        study = validated(Study, entry["study"])
        claims, now = (_words(one) for one in (first, entry))
        explored = exploratory_items(first, entry)
        return Locked(
            study,
            cells,
            hashlib.sha256(_undated(text).encode()).hexdigest(),
            deviations(declared),
            exploratory_claims(first, entry),
            tuple(item for item, is_new in zip(study.report, explored, strict=True) if is_new),
            claims_reworded=any(now[name] != text for name, text in claims.items() if name in now),
        )
    except Exception as error:  # what lies there may be of any shape
        raise _damaged(path, error) from error


def _said(entry: Any) -> Any:
    """Return what an entry declares: study and cells, not when."""
    if not isinstance(entry, Mapping):
        return None  # it is damaged
    return {name: entry.get(name) for name in ("study", "cells")}


def _words(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of each claim."""
    return {claim["name"]: claim["text"] for claim in entry["study"].get("claims", ())}


def _yaml(entry: Mapping[str, Any]) -> str:
    return yaml.dump([entry], Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _undated(text: str) -> str:
    """Return a lock file's text without what tells when something was declared."""
    return re.sub(r"^  (declared: [\d-]+|before_first_run: true)\n", "", text, flags=re.MULTILINE)


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
