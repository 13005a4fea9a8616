"""What a plan still has to train: the ledger looked up by key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate import data
from ablate.config import RunConfig
from ablate.config.key import run_key
from ablate.errors import AblateError
from ablate.launch.job import Task
from ablate.store.ledger import run_directory
from ablate.store.result import is_complete, read_result
from ablate.streams import TUNING_REPLICATES_START
from ablate.study.plan import Cell, Plan, tuned_config
from ablate.study.reader import level_name
from ablate.study.schema import Tune


@dataclass(frozen=True)
class Work:
    """The runs of one config: all of them, and those that have no complete result yet."""

    name: str
    config: RunConfig
    tasks: tuple[Task, ...]
    missing: tuple[Task, ...]


def tuning_work(plan: Plan, root: Path, device: str) -> list[Work]:
    """Return the work of tuning: per cell and value, on replicates of its own."""
    tune = plan.study.tune
    if tune is None:
        return []
    return [
        _work(
            plan, root, device, cell, tuned_config(cell.config, tune.key, value),
            range(TUNING_REPLICATES_START, TUNING_REPLICATES_START + tune.replicates),
            branch=level_name(value),
        )
        for cell in plan.cells
        for value in tune.values
    ]  # fmt: skip


def scored_work(plan: Plan, root: Path, device: str, chosen: Mapping[str, float]) -> list[Work]:
    """Return the work of the scored runs, each cell with its tuned value (`chosen` by slug).

    A cell that is not tuned yet has no work yet.
    """
    works = []
    for cell in plan.cells:
        config = cell.config
        if plan.study.tune is not None:
            if cell.slug not in chosen:
                continue
            config = tuned_config(config, plan.study.tune.key, chosen[cell.slug])
        works.append(_work(plan, root, device, cell, config, range(plan.study.replicates)))
    return works


def choose(plan: Plan, root: Path) -> dict[str, float]:
    """Return the tuned value of each cell whose tuning is complete, by slug.

    The value with the best mean of the declared validation metric wins, the first declared of
    equals; a run that did not converge scores what guessing does. Validation only: the test set
    is not looked at.
    """
    tune = plan.study.tune
    if tune is None:
        return {}
    chosen = {}
    for cell in plan.cells:
        found = {value: _score(plan, root, cell, tune, value) for value in tune.values}
        scores = {value: score for value, score in found.items() if score is not None}
        if len(scores) == len(found):
            chosen[cell.slug] = max(scores, key=lambda value: scores[value])
    return chosen


def _score(plan: Plan, root: Path, cell: Cell, tune: Tune, value: float) -> float | None:
    """Return the mean over the tuning replicates, larger is better; None if one is missing."""
    classes = data.classes_of(cell.config.data)
    is_loss = tune.by == "validation/loss"
    chance = -math.log(classes) if is_loss else 1 / classes
    total = 0.0
    for number in range(tune.replicates):
        directory = run_directory(
            root, plan.study.name, cell.slug, number, branch=level_name(value)
        )
        result = read_result(directory)
        if result is None or result.status == "failed":
            return None
        measured = result.metrics.get(tune.by)
        if result.status == "diverged" or measured is None:
            total += chance
        else:
            total += -measured if is_loss else measured
    return total / tune.replicates


def _work(
    plan: Plan,
    root: Path,
    device: str,
    cell: Cell,
    config: RunConfig,
    replicates: Sequence[int],
    branch: str = "",
) -> Work:
    digest = data.digest(config.data)
    tasks, missing = [], []
    for number, replicate in enumerate(replicates):
        key = run_key(config, replicate, device, digest)
        directory = run_directory(root, plan.study.name, cell.slug, number, branch=branch)
        tasks.append(Task(replicate, key, directory))
        try:
            complete = is_complete(read_result(directory), key)
        except AblateError:
            complete = False  # a damaged entry is trained again
        if not complete:
            missing.append(tasks[-1])
    name = f"{cell.name} {branch}".strip()
    return Work(name, config, tuple(tasks), tuple(missing))
