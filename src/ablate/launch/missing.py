"""What a plan still has to train, and what to form from it: the ledger looked up by key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate import data, user
from ablate.config import RunConfig
from ablate.config.key import run_key
from ablate.launch.job import Task
from ablate.launch.members import member_directory, member_numbers, training_config
from ablate.launch.tuning import choose
from ablate.store.ledger import run_directory
from ablate.store.state import COMPLETE, state
from ablate.streams import TUNING_REPLICATES_START
from ablate.study.names import level_name
from ablate.study.plan import Cell, Plan, tuned_config


@dataclass(frozen=True)
class Work:
    """The runs of one config: all of them, and those that have no complete result yet."""

    name: str
    config: RunConfig
    tasks: tuple[Task, ...]
    missing: tuple[Task, ...]


def tuning_work(plan: Plan, root: Path, device: str) -> list[Work]:
    """Return the work of tuning: per cell and value, on replicates of its own.

    An ensemble is tuned as its first member.
    """
    tune = plan.study.tune
    if tune is None:
        return []
    return [
        _work(
            plan, root, device, cell,
            tuned_config(training_config(cell.config), tune.key, value),
            range(plan.tuning_replicates_of(cell)),
            branch=level_name(value),
        )
        for cell in plan.tuned_cells
        for value in tune.values
    ]  # fmt: skip


def scored_work(plan: Plan, root: Path, device: str) -> list[Work]:
    """Return the work of the scored runs, each with its tuned value.

    Replicates of a cell for which tuning chose different values are works of their own, with the
    cell's name. A cell that is not tuned yet has no work yet.
    """
    tune = plan.study.tune
    if tune is None:
        return [
            _work(plan, root, device, cell, cell.config, range(plan.replicates_of(cell)))
            for cell in plan.cells
        ]
    chosen, found = choose(plan, root), list[Work]()
    for cell in plan.cells:
        if not plan.is_tuned(cell):
            every = range(plan.replicates_of(cell))
            found.append(_work(plan, root, device, cell, cell.config, every))
            continue
        values = chosen.get(cell.slug, ())
        for value in dict.fromkeys(values):
            config = tuned_config(cell.config, tune.key, value)
            of_value = [r for r, own in enumerate(values) if own == value]
            found.append(_work(plan, root, device, cell, config, of_value))
    return found


def member_work(scored: Sequence[Work], plan: Plan, root: Path, device: str) -> list[Work]:
    """Return the trainings behind the ensembles that are still to be formed, each once."""
    found: dict[str, tuple[RunConfig, dict[Path, Task]]] = {}
    for work in scored:
        config, digest = training_config(work.config), data.digest_of_all(work.config)
        sources = user.sources(config, Path.cwd())
        for task in work.missing:
            for member, directory in zip(member_numbers(work.config), task.members, strict=True):
                key = run_key(config, task.replicate, device, digest, member, sources)
                name = f"members {directory.parts[-3]}"
                _, tasks = found.setdefault(name, (config, {}))
                tasks[directory] = Task(task.replicate, key, directory, member)
    return [
        Work(name, config, tuple(tasks.values()), _missing(tasks.values()))
        for name, (config, tasks) in found.items()
    ]


def _work(
    plan: Plan,
    root: Path,
    device: str,
    cell: Cell,
    config: RunConfig,
    numbers: Sequence[int],
    branch: str = "",
) -> Work:
    """Return the work of some replicates of a cell; those that tune a `branch` have own streams."""
    start = TUNING_REPLICATES_START if branch else 0
    study, digest = plan.study.name, data.digest_of_all(config)
    trained, sources = training_config(config), user.sources(config, Path.cwd())
    members = () if branch else member_numbers(config)
    tasks = tuple(
        Task(
            start + number,
            run_key(config, start + number, device, digest, sources=sources),
            run_directory(root, study, cell.slug, number, branch=branch),
            members=tuple(member_directory(root, study, trained, number, m) for m in members),
        )
        for number in numbers
    )
    return Work(f"{cell.name} {branch}".strip(), config, tasks, _missing(tasks))


def _missing(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Return the tasks without a complete result; a damaged entry is trained again."""
    return tuple(t for t in tasks if state(t.directory, t.key)[0] not in COMPLETE)


def in_folders_there(plan: Plan, root: Path) -> Plan:
    """Return the plan with each cell in the folder that has its key already, whatever its name.

    A new factor, or another name of a level, changes what a cell is called and not what it is.
    """
    folder = root / "runs" / plan.study.name
    there = sorted(path.name for path in folder.glob("[!.]*"))
    by_key = {name.rpartition("-")[2]: name for name in there}
    cells = (
        cell if cell.slug in there else replace(cell, slug=by_key.get(cell.key[:8], cell.slug))
        for cell in plan.cells
    )
    return replace(plan, cells=tuple(cells))
