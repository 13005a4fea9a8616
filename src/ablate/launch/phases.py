"""The phases of a study: tuning, members of ensembles, scored runs, and one look after the other.

Whoever works on a study goes through them, `ablate sweep` and each `ablate work`: a phase ends when
its runs are there, whoever has trained them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from ablate import user
from ablate.config import Executed
from ablate.config.trainer import RUNTIME_FIELDS, Trainer
from ablate.errors import nearest, one_of
from ablate.launch.device import Device
from ablate.launch.executor import Executor
from ablate.launch.job import Job, Task
from ablate.launch.jobs import cost, jobs_agreed_on, jobs_of
from ablate.launch.missing import Work, member_work, scored_work, tuning_work
from ablate.launch.progress import progress
from ablate.launch.share import Workplace, share
from ablate.metrics import with_gaps
from ablate.store.cell import LedgerCell
from ablate.store.files import sha256
from ablate.store.index import Index
from ablate.store.journal import Journal
from ablate.store.result import read_result
from ablate.store.sink import Sink
from ablate.study.measured import measured
from ablate.study.plan import Plan

#: Works of tuning, and of the scored runs.
LookedUp = tuple[Sequence[Work], Sequence[Work]]


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
class Shared:
    """What all phases share; the plan grows from look to look.

    declare  writes down a plan and the keys of its runs that are known
    shard    where in the list of jobs to begin; None for who hands out what is missing to its own
    """

    root: Path
    device: Device
    executor: Executor
    journal: Journal
    launch: Executed
    console: Console
    declare: Callable[[Plan, LookedUp], None]
    sinks: Sequence[Sink] = ()
    shard: Fraction | None = None


#: Gives from a plan whose runs are there the one to go on with, None where there is no more to do.
Further = Callable[[Plan], Plan | None]


def look_up(plan: Plan, root: Path, device: Device) -> LookedUp:
    """Return the works of tuning and of the scored runs, with what of each is missing."""
    return tuning_work(plan, root, device), scored_work(plan, root, device)


def is_whole(plan: Plan, works: LookedUp) -> bool:
    """Tell whether nothing is left to train; cells that are not tuned yet have no work yet."""
    tuning, scored = works
    known = sum(len(work.tasks) for work in scored)
    return known == plan.runs and not any(work.missing for work in (*tuning, *scored))


def train_all(shared: Shared, plan: Plan, works: LookedUp, further: Further) -> Swept:
    """Train what is missing of a plan, and then of those that `further` makes of it.

    works    of the plan, looked up
    further  asked whenever all runs of a plan are there, and none failed
    """
    ended = 0
    while True:
        swept = _train_plan(shared, plan, *works)
        ended += swept.ended
        more = None if swept.failed else further(plan)
        if more is None:
            return replace(swept, ended=ended, runs=plan.runs)
        plan, works = more, look_up(more, shared.root, shared.device)


def index_of(plan: Plan, works: LookedUp, root: Path, device: Device) -> Index:
    """Return what is to be declared of the runs: what each must be."""
    tuning, scored = works
    keys = sorted(task.key for work in tuning for task in work.tasks)
    code = {one for cell in plan.cells for one in user.folders(cell.config, root)}
    digest = sha256("\n".join(keys).encode()) if keys else None
    runtime = {cell.slug: _runtime(cell.config.trainer) for cell in plan.cells}
    asked = {slug: fields for slug, fields in runtime.items() if fields}
    return Index(_ledger_cells(plan, scored), device, digest, sorted(code), asked)


def _runtime(trainer: Trainer) -> dict[str, Any]:
    """Return how a cell is trained and kept, as far as that changes no key and is no default."""
    fields = trainer.model_dump(mode="json", include=RUNTIME_FIELDS["trainer"] - {"device"})
    return {name: value for name, value in fields.items() if value != getattr(Trainer(), name)}


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


def _train_plan(
    shared: Shared, plan: Plan, tuning: Sequence[Work], scored: Sequence[Work]
) -> Swept:
    """Train what is missing of one plan, tuning and members of ensembles first."""
    root, device = shared.root, shared.device
    shared.declare(plan, (tuning, scored))
    failed = 0
    if any(work.missing for work in tuning):
        failed = _train(shared, plan, "tuned", tuning).failed
        scored = scored_work(plan, root, device)
        shared.declare(plan, (tuning, scored))
    members = member_work(scored, plan, root, device)
    if members and (not failed or shared.launch.on_error == "continue"):
        failed += _train(shared, plan, "members", members).failed
    if failed and shared.launch.on_error == "stop":
        return Swept(0, failed)
    runs = _train(shared, plan, "runs", scored)
    return Swept(runs.ended, failed + runs.failed)


def _train(
    shared: Shared,
    plan: Plan,
    phase: Literal["tuned", "members", "runs"],
    works: Sequence[Work],
) -> Swept:
    """Go through one phase; return how many of its runs ended, and how many of these failed.

    Sinks are told of the scored runs alone.
    """
    launch, console = shared.launch, shared.console
    jobs = _jobs(shared, works)
    cells = {cell.name: cell for cell in _ledger_cells(plan, works)}
    sinks = shared.sinks if phase == "runs" else ()
    total = sum(len(work.tasks) for work in works)
    missing = sum(len(work.missing) for work in works)
    ended = failed = 0
    task = plan.study.task
    unsure = phase == "runs" and any(measured(work.config, task) is None for work in works)
    ahead = sum(map(cost, jobs))
    workplace = Workplace(
        shared.root, plan.study.name, shared.executor, shared.journal, launch.timeout
    )

    def goes_on() -> bool:
        return not failed or launch.on_error == "continue"

    with progress(phase, total, total - missing, ahead, console) as shown:
        for event in share(workplace, jobs, goes_on):
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


def _jobs(shared: Shared, works: Sequence[Work]) -> list[Job]:
    root, device = shared.root, shared.device
    if shared.shard is None:
        return jobs_of(works, root, device, shared.executor.size)
    return jobs_agreed_on(works, root, device, shared.shard)


def _tell_unreported(metric: str, task: Task, console: Console) -> None:
    """Say while others still train that a run does not give what the study is about."""
    result = read_result(task.directory)
    if result is not None and metric not in with_gaps(result.metrics):
        there = sorted(result.metrics)
        console.print(
            f"note: the study's metric is '{metric}', and its runs report {one_of(there)}."
            f"{nearest(metric, there)}", style="yellow", markup=False, highlight=False,
        )  # fmt: skip
