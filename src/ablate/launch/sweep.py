"""A sweep: look up what is done, check, train the rest, mirror, report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ablate import data
from ablate.config import Launch
from ablate.errors import ConfigError
from ablate.launch.device import device_kind
from ablate.launch.job import Job, into_stacks, stack_limit
from ablate.launch.pool import run_jobs
from ablate.launch.progress import progress
from ablate.launch.todo import Work, choose, scored_work, tuning_work
from ablate.store.cell import LedgerCell
from ablate.store.ledger import move_stale
from ablate.store.live import LiveMirror
from ablate.store.lock import lock
from ablate.study.lockfile import lock_study
from ablate.study.plan import Plan


def sweep(plan: Plan, root: Path, launch: Launch, console: Console) -> int:
    """Train what the ledger does not have; return the number of runs that failed.

    Raises ConfigError or DataError, with nothing started, when a cell cannot run; ConfigError
    when another sweep of the study is running. KeyboardInterrupt leaves every finished run.
    """
    study = plan.study
    device = device_kind(plan.cells[0].config.trainer.device)
    tuning = tuning_work(plan, root, device)
    chosen = choose(plan, root) if study.tune else None
    scored = scored_work(plan, root, device, chosen)
    untuned = len(plan.cells) - len(scored)
    if not untuned and not any(work.missing for work in [*tuning, *scored]):
        _index(plan, root, scored)
        return 0
    check(plan, root)
    workers = launch.workers or os.cpu_count() or 1
    folder = root / "runs" / study.name
    with lock(root, study.name), _mirror(plan, root, console) as mirror:
        lock_study(folder, plan)
        _index(plan, root, scored)
        failed = 0
        if tuning:
            failed += _train("tuning", tuning, root, device, workers, launch, console, None)
            scored = scored_work(plan, root, device, choose(plan, root))
            _index(plan, root, scored)
        if not (failed and launch.on_error == "stop"):
            mirror.cells = {c.slug: c for c in ledger_cells(plan, scored)}
            failed += _train("runs", scored, root, device, workers, launch, console, mirror)
    return failed


def check(plan: Plan, root: Path) -> None:
    """Raise ConfigError or DataError unless every cell's data is there and fits its model."""
    from ablate import nn

    seen = set()
    for cell in plan.cells:
        config = cell.config
        if config.data not in seen:
            data.check_sizes(config.data)
            data.check_available(config.data, root)
            seen.add(config.data)
        try:
            nn.check(config.model, data.inputs_of(config.data))
        except ConfigError as error:
            raise ConfigError(f"{cell.name}: {error}") from error


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
    workers: int,
    launch: Launch,
    console: Console,
    mirror: LiveMirror | None,
) -> int:
    jobs = _jobs(works, root, device, workers)
    total = sum(len(work.tasks) for work in works)
    missing = sum(len(work.missing) for work in works)
    failed = 0
    with progress(phase, total, total - missing, console) as shown:
        events = run_jobs(
            jobs, workers, launch.timeout, lambda: not failed or launch.on_error == "continue"
        )
        for event in events:
            failed += event.status == "failed"
            shown.show(event)
            if mirror is not None:
                _tell(mirror, event)
    return failed


def _jobs(works: Sequence[Work], root: Path, device: str, workers: int) -> list[Job]:
    missing = sum(len(work.missing) for work in works)
    per_worker = -(-missing // (2 * workers))  # two jobs a worker, so that all end together
    jobs = []
    for work in works:
        for task in work.missing:
            if (task.directory / "result.json").exists():
                move_stale(task.directory, root)
        limit = stack_limit(work.config, device)
        for tasks in into_stacks(work.missing, limit, device, per_worker):
            jobs.append(Job(work.name, work.config, tasks, root, device))
    return jobs
