"""A sweep: look up what is done, check the rest, train it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from ablate import data
from ablate.config import Launch
from ablate.config.target import Target
from ablate.data.augment_check import check_augment
from ablate.errors import ConfigError
from ablate.launch.device import device_kind, worker_count
from ablate.launch.jobs import jobs_of, stack_limit
from ablate.launch.missing import (
    Work,
    choose,
    in_folders_there,
    member_work,
    scored_work,
    tuning_work,
)
from ablate.launch.pool import Pool, warm_up
from ablate.launch.progress import progress
from ablate.launch.user_check import check_own, not_stacked
from ablate.store.cell import LedgerCell
from ablate.store.index import write_index
from ablate.store.lock import lock
from ablate.study.lockfile import lock_study
from ablate.study.plan import Plan

#: Called for every scored run that ended: its cell, and its replicate.
Watch = Callable[[LedgerCell, int], None]


def sweep(
    plan: Plan,
    root: Path,
    launch: Launch,
    console: Console,
    watch: Watch,
    begin: Callable[[], None] = lambda: None,
) -> int:
    """Train what the ledger does not have; return the number of runs that failed.

    begin  called once it is certain that something will be trained

    Raises ConfigError or DataError, with nothing started, when a cell cannot run or another
    sweep of the study is running. KeyboardInterrupt leaves every finished run in the ledger.
    """
    plan = in_folders_there(plan, root)
    device = device_kind(plan.cells[0].config.trainer.device)
    tuning = tuning_work(plan, root, device)
    scored = scored_work(plan, root, device, choose(plan, root))
    todo = [*tuning, *scored]
    if len(scored) == len(plan.cells) and not any(work.missing for work in todo):
        declare(plan, root, scored)
        return 0
    warm_up()  # while the cells are checked here
    check(plan, root)
    for note in _notes(plan, device):
        console.print(f"[dim]{note}[/]", highlight=False)
    workers = worker_count(launch.workers, device)
    with lock(root, plan.study.name), Pool(workers) as pool:
        begin()
        declare(plan, root, scored)
        failed = 0
        if tuning:
            failed = _train("tuned", tuning, root, device, pool, launch, console, None)
            scored = scored_work(plan, root, device, choose(plan, root))
            declare(plan, root, scored)
        members = member_work(scored, plan, root, device)
        if members and (not failed or launch.on_error == "continue"):
            failed += _train("members", members, root, device, pool, launch, console, None)
        if not failed or launch.on_error == "continue":
            cells = {cell.name: cell for cell in ledger_cells(plan, scored)}
            failed += _train(
                "runs", scored, root, device, pool, launch, console,
                lambda name, replicate: watch(cells[name], replicate),
            )  # fmt: skip
    return failed


def declare(plan: Plan, root: Path, scored: Sequence[Work]) -> None:
    """Write down what is going to be run: the lock file, and the keys to expect."""
    lock_study(root / "runs" / plan.study.name, plan)
    write_index(root, plan.study.name, ledger_cells(plan, scored))


def check(plan: Plan, root: Path) -> None:
    """Raise ConfigError or DataError unless every cell's data is there and fits its model."""
    from ablate import nn

    seen = set()
    for cell in plan.cells:
        config = cell.config
        if config.data not in seen:
            data.check_sizes(config.data)
            data.check_available(config.data, root, download=True)
            seen.add(config.data)
        try:
            inputs = data.inputs_of(config.data)
            check_own(config)
            if not isinstance(config.model, Target):
                nn.check(config.model, inputs)
            if not isinstance(config.augment, Target):
                check_augment(config.augment, inputs)
        except ConfigError as error:
            raise ConfigError(f"{cell.name}: {error}") from error


def _notes(plan: Plan, device: str) -> list[str]:
    """Say of each model that was to be stacked and cannot be why."""
    stacked = (cell.config for cell in plan.cells if stack_limit(cell.config, device) > 1)
    models = {config.model.model_dump_json(): config for config in stacked}
    return [note for note in map(not_stacked, models.values()) if note is not None]


def ledger_cells(plan: Plan, scored: Sequence[Work]) -> list[LedgerCell]:
    """Return what the store has to know of each cell."""
    keys = {work.name: tuple(task.key for task in work.tasks) for work in scored}
    return [
        LedgerCell(
            slug=cell.slug,
            name=cell.name,
            key=cell.key,
            levels=cell.levels,
            replicates=plan.study.replicates,
            metric=plan.study.metric.name,
            run_keys=keys.get(cell.name, ()),
            tuned=plan.study.tune.key if plan.study.tune else None,
        )
        for cell in plan.cells
    ]


def _train(
    phase: str,
    works: Sequence[Work],
    root: Path,
    device: str,
    pool: Pool,
    launch: Launch,
    console: Console,
    watch: Callable[[str, int], None] | None,
) -> int:
    jobs = jobs_of(works, root, device, pool.size)
    total = sum(len(work.tasks) for work in works)
    missing = sum(len(work.missing) for work in works)
    failed = 0
    with progress(phase, total, total - missing, console) as shown:
        events = pool.run(jobs, launch.timeout, lambda: not failed or launch.on_error == "continue")
        for event in events:
            failed += event.status == "failed"
            shown.show(event)
            if watch is not None and event.task is not None:
                watch(event.job.name, event.task.replicate)
    return failed
