"""A sweep: look up what is done, check the rest, train it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console

from ablate import data
from ablate.config import Launch
from ablate.config.target import Target
from ablate.data.augment_check import check_augment
from ablate.errors import ConfigError, nearest, one_of
from ablate.launch.device import Device, device_kind
from ablate.launch.executor import Executor, executor_of
from ablate.launch.job import Task
from ablate.launch.jobs import cost, jobs_of, one_by_one
from ablate.launch.missing import Work, in_folders_there, member_work, scored_work, tuning_work
from ablate.launch.precision import emulated
from ablate.launch.progress import progress
from ablate.launch.single_examples import check_normalization
from ablate.metrics import with_gaps
from ablate.nn import architectures
from ablate.store.cell import LedgerCell
from ablate.store.index import write_index
from ablate.store.lock import lock
from ablate.store.result import read_result
from ablate.store.sink import Sink
from ablate.study.lockfile import lock_study
from ablate.study.measured import measured
from ablate.study.plan import Plan


@dataclass(frozen=True)
class Swept:
    """What came of a sweep, or of one phase of it.

    ended   scored runs
    failed  runs, of any phase
    runs    scored runs that were asked for, those that were there included
    """

    ended: int = 0
    failed: int = 0
    runs: int = 0


@dataclass(frozen=True)
class _Shared:
    """What all phases of a sweep share; the plan grows from look to look."""

    root: Path
    device: Device
    executor: Executor
    launch: Launch
    console: Console
    sinks: Sequence[Sink]


#: Gives from a plan whose runs are there the one to go on with, None where there is no more to do.
Further = Callable[[Plan], Plan | None]


def sweep(
    plan: Plan,
    root: Path,
    launch: Launch,
    console: Console,
    sinks: Sequence[Sink] = (),
    further: Further = lambda plan: None,
) -> Swept:
    """Train what the ledger does not have; return what came of it.

    sinks    opened once it is certain that something will be trained, then told of every scored
             run that ends
    further  asked whenever all runs of a plan are there, and none failed

    Raises ConfigError or DataError, with nothing started, when a cell cannot run or another
    sweep of the study is running. KeyboardInterrupt leaves every finished run in the ledger.
    """
    plan = in_folders_there(plan, root)
    device = device_kind(plan.cells[0].config.trainer.device)
    tuning = tuning_work(plan, root, device)
    scored = scored_work(plan, root, device)
    while _is_whole(plan, tuning, scored):
        declare(plan, root, scored)
        more = further(plan)
        if more is None:
            return Swept(runs=plan.runs)
        plan = more
        tuning, scored = tuning_work(plan, root, device), scored_work(plan, root, device)
    executor = executor_of(launch, device)  # gets ready while the cells are checked here
    told = check(plan, root)
    told += filter(None, (one_by_one(cell.config, device) for cell in plan.cells))
    told += emulated((cell.config for cell in plan.cells), device)
    for note in dict.fromkeys(told):
        console.out(note, style="dim")
    ended = 0
    with lock(root, plan.study.name), closing(executor):
        for sink in sinks:
            sink.open()
        shared = _Shared(root, device, executor, launch, console, sinks)
        while True:
            swept = _sweep_once(shared, plan, tuning, scored)
            ended += swept.ended
            more = None if swept.failed else further(plan)
            if more is None:
                break
            plan = more
            tuning, scored = tuning_work(plan, root, device), scored_work(plan, root, device)
    return replace(swept, ended=ended, runs=plan.runs)


def _is_whole(plan: Plan, tuning: Sequence[Work], scored: Sequence[Work]) -> bool:
    """Tell whether nothing is left to train; cells that are not tuned yet have no work yet."""
    known = sum(len(work.tasks) for work in scored)
    return known == plan.runs and not any(work.missing for work in (*tuning, *scored))


def _sweep_once(
    shared: _Shared, plan: Plan, tuning: Sequence[Work], scored: Sequence[Work]
) -> Swept:
    """Train what is missing of one plan, tuning and members of ensembles first."""
    root, device = shared.root, shared.device
    declare(plan, root, scored)
    failed = 0
    if any(work.missing for work in tuning):
        failed = _train(shared, plan, "tuned", tuning).failed
        scored = scored_work(plan, root, device)
        declare(plan, root, scored)
    members = member_work(scored, plan, root, device)
    if members and (not failed or shared.launch.on_error == "continue"):
        failed += _train(shared, plan, "members", members).failed
    if failed and shared.launch.on_error == "stop":
        return Swept(0, failed)
    runs = _train(shared, plan, "runs", scored)
    return Swept(runs.ended, failed + runs.failed)


def declare(plan: Plan, root: Path, scored: Sequence[Work]) -> None:
    """Write down what is going to be run: the lock file, and the keys to expect."""
    folder = root / "runs" / plan.study.name
    lock_study(folder, plan, partial(_has_runs, folder))
    write_index(root, plan.study.name, _ledger_cells(plan, scored))


def _has_runs(folder: Path) -> bool:
    """Tell whether a run of the study, tuning and members among them, has ended with numbers."""
    paths = (path for path in folder.rglob("result.json"))
    return any((result := read_result(p.parent)) and result.status != "failed" for p in paths)


def check(plan: Plan, root: Path) -> list[str]:
    """Raise ConfigError or DataError unless every cell's data is there and fits its model.

    Returns what should be known of the data before it is trained on, in sentences.
    """
    seen, told = set(), list[str]()
    for cell in plan.cells:
        config = cell.config
        if config.data not in seen:
            data.check_sizes(config.data)
            data.check_available(config.data, root)
            seen.add(config.data)
            told += data.notes_of(config.data)
        try:
            inputs = data.inputs_of(config.data)
            if config.user_code or config.trainer.command is not None:
                from ablate.launch.user_check import check_user_code  # and with it torch

                check_user_code(config, root)
            if not isinstance(config.model, Target):
                architectures.check(config.model, inputs)
                check_normalization(config, inputs)
            if not isinstance(config.augment, Target):
                check_augment(config.augment, inputs)
        except ConfigError as error:
            raise ConfigError(f"{cell.name}: {error}") from error
    return told


def _ledger_cells(plan: Plan, scored: Sequence[Work]) -> list[LedgerCell]:
    """Return what the store has to know of each cell."""
    keys: dict[str, dict[int, str]] = {}
    for work in scored:
        keys.setdefault(work.name, {}).update({task.replicate: task.key for task in work.tasks})
    return [
        LedgerCell(
            slug=cell.slug,
            name=cell.name,
            key=cell.key,
            levels=cell.levels,
            replicates=plan.replicates_of(cell),
            looks=plan.study.looks,
            metric=plan.study.metric.name,
            run_keys=tuple(key for _, key in sorted(keys.get(cell.name, {}).items())),
            tuned=plan.study.tune.key if plan.study.tune and plan.is_tuned(cell) else None,
        )
        for cell in plan.cells
    ]


def _train(
    shared: _Shared,
    plan: Plan,
    phase: Literal["tuned", "members", "runs"],
    works: Sequence[Work],
) -> Swept:
    """Run one phase; return how many of its runs ended, and how many of these failed.

    Sinks are told of the scored runs alone.
    """
    launch, console = shared.launch, shared.console
    jobs = jobs_of(works, shared.root, shared.device, shared.executor.size)
    cells = {cell.name: cell for cell in _ledger_cells(plan, works)}
    sinks = shared.sinks if phase == "runs" else ()
    total = sum(len(work.tasks) for work in works)
    missing = sum(len(work.missing) for work in works)
    ended = failed = 0
    unsure = phase == "runs" and any(measured(work.config) is None for work in works)
    ahead = sum(map(cost, jobs))
    with progress(phase, total, total - missing, ahead, console) as shown:
        events = shared.executor.run(
            jobs, launch.timeout, lambda: not failed or launch.on_error == "continue"
        )
        for event in events:
            shown.show(event)
            if event.task is not None:
                ended += 1
                failed += event.status == "failed"
                if unsure and event.status == "done":
                    unsure = False  # one is enough to tell
                    _tell_unreported(plan.study.metric.name, event.task, console)
                for sink in sinks:
                    sink.run_ended(cells[event.job.name], event.task.replicate)
    return Swept(ended, failed)


def _tell_unreported(metric: str, task: Task, console: Console) -> None:
    """Say while others still train that a run does not give what the study is about."""
    result = read_result(task.directory)
    if result is not None and metric not in with_gaps(result.metrics):
        there = sorted(result.metrics)
        console.print(
            f"note: the study's metric is '{metric}', and its runs report {one_of(there)}."
            f"{nearest(metric, there)}", style="yellow", markup=False, highlight=False,
        )  # fmt: skip
