"""From the words of a command line to a compiled plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.config import Launch
from ablate.config.compose import Composed, compose, conf_folders, parse_override
from ablate.config.groups import Groups, read_groups, split_own
from ablate.config.target import is_own
from ablate.config.validate import validated
from ablate.errors import ConfigError
from ablate.study.plan import Plan, compile_study
from ablate.study.reader import find_study, read_study
from ablate.study.request import adhoc, request

#: Study names that are no study files: one cell, and a multirun of swept keys.
SINGLE, ADHOC = "run", "adhoc"


@dataclass(frozen=True)
class Start:
    """A plan and how to run it."""

    plan: Plan
    root: Path
    launch: Launch


@dataclass(frozen=True)
class Words:
    """A command line, sorted.

    studies    what `study=a,b` names
    name       what `study.name=` asks the result to be called
    control    whether `study.aa=true` asks for an A/A control
    overrides  every other `key=value`
    flags      what is for Hydra itself, such as `--cfg job`
    """

    studies: tuple[str, ...]
    name: str | None
    overrides: tuple[str, ...]
    flags: tuple[str, ...]
    root: Path
    control: bool = False


def sort_words(words: Sequence[str]) -> Words:
    """Sort the words of a command line; raises ConfigError for what is no override."""
    studies: tuple[str, ...] = ()
    name, root = None, Path.cwd()
    overrides, flags = [], []
    waiting = control = False
    for word in words:
        if word.startswith("-") or waiting:
            flags.append(word)
            waiting = word in ("--cfg", "-c", "--package", "-p", "--info", "-i")
        elif word.startswith("study="):
            studies = tuple(part for part in word.removeprefix("study=").split(",") if part)
        elif word.startswith("study.name="):
            name = _safe_name(word.removeprefix("study.name="))
        elif word.startswith("study.aa="):
            control = _yes_or_no(word)
        else:
            if word.startswith("paths.root="):
                root = Path(parse_override(word)[1]).expanduser().resolve()
            overrides.append(word)
    return Words(studies, name, tuple(overrides), tuple(flags), root, control)


def plan_studies(words: Words, quick: bool) -> list[Start]:
    """Return a plan per study named, each composed by one Hydra multirun."""
    folders = conf_folders(words.root)
    groups = read_groups(folders)
    starts = []
    for name in words.studies:
        path = find_study(name, folders)
        _make_importable(words.root, path.parent)
        study = read_study(path, groups)
        # Without its folder: the same study elsewhere has the same report.
        file = path.name if path.name == Path(name).name else None
        study = study.model_copy(update={"control": words.control})
        asked = request(study, words.overrides, groups, name=words.name, quick=quick, file=file)
        composed = compose(asked.overrides, words.root, multirun=True, flags=words.flags)
        if composed is not None:
            plan = compile_study(asked.study, composed.base, groups, asked.explicit, asked.changed)
            plan = in_folders_there(plan, words.root)
            starts.append(Start(plan, words.root, _launch(composed)))
    return starts


def plan_overrides(words: Words, multirun: bool) -> Start | None:
    """Return the plan of a single cell or of the keys swept; None if a Hydra flag was answered."""
    groups = read_groups(conf_folders(words.root))
    _make_importable(words.root)
    explicit = _checked(words.overrides, groups)
    _, own = split_own(explicit)
    composable = [word for word in words.overrides if parse_override(word)[0] not in dict(own)]
    composed = compose(composable, words.root, multirun=multirun, flags=words.flags)
    if composed is None:
        return None
    name = words.name or (ADHOC if multirun else SINGLE)
    replicates = composed.base.get("replicates")
    replicates = 1 if replicates is None else replicates
    if not isinstance(replicates, int) or replicates < 1:
        raise ConfigError(
            f"replicates={replicates} is not allowed: it must be a whole number, at least 1."
        )
    study = adhoc(composed, groups, name, replicates)
    plan = compile_study(study, composed.base, groups, explicit)
    return Start(in_folders_there(plan, words.root), words.root, _launch(composed))


def in_folders_there(plan: Plan, root: Path) -> Plan:
    """Return the plan with each cell in the folder that has its key already, whatever its name.

    A new factor, or another name of a level, changes what a cell is called and not what it is.
    """
    folder = root / "runs" / plan.study.name
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    by_key = {name.rpartition("-")[2]: name for name in there if not name.startswith(".")}
    cells = (
        cell if cell.slug in there else replace(cell, slug=by_key.get(cell.key[:8], cell.slug))
        for cell in plan.cells
    )
    return replace(plan, cells=tuple(cells))


def _checked(overrides: Sequence[str], groups: Groups) -> list[tuple[str, Any]]:
    """Check keys and options before Hydra does, to say it in our words; return the fixed ones."""
    explicit = []
    parsed = [parse_override(override) for override in overrides]
    groups = groups.open(*({key: value} for key, value, _ in parsed))
    for override, (key, value, several) in zip(overrides, parsed, strict=True):
        if several and any(is_own(key, one) for one in value):
            raise ConfigError(f"'{override}': vary code of your own in a study file.")
        if key.startswith("hydra"):
            continue
        for one in value if several else [value]:
            groups.check_override(key, one, f"'{override}'")
        if not several:
            explicit.append((key, value))
    groups.check_fields(dict(explicit), "the command line")
    return explicit


def _launch(composed: Composed) -> Launch:
    return validated(Launch, composed.base["launch"], prefix="launch.")


def _make_importable(*folders: Path) -> None:
    """Put a user's own code within reach, in this process and in the workers."""
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    added = [str(folder) for folder in folders if str(folder) not in inherited]
    os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, inherited), *added])


def _yes_or_no(word: str) -> bool:
    value = parse_override(word)[1]
    if not isinstance(value, bool):
        raise ConfigError(f"'{word}' is not allowed: study.aa is true or false.")
    return value


def _safe_name(name: str) -> str:
    if not name or not all(c.isalnum() or c in "._+-" for c in name) or name.startswith("."):
        raise ConfigError(
            f"study.name={name} is not allowed: use letters, digits, and the signs . _ + -."
        )
    return name
