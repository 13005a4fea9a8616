"""A sweep whose workers are an array of SLURM jobs: declared here, followed here, trained there."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ablate.config import Slurm
from ablate.errors import AblateError
from ablate.launch.asked import as_asked_before
from ablate.launch.device import Device, device_for
from ablate.launch.job import Event, Job, Task
from ablate.launch.jobs import cost
from ablate.launch.missing import in_folders_there
from ablate.launch.phases import Further, LookedUp, Swept, is_whole, look_up
from ablate.launch.progress import progress
from ablate.launch.slurm import Array, check_here, follow, submit, submitted
from ablate.launch.sweep import declare_checked, past_what_is_there
from ablate.store.index import read_index
from ablate.store.journal import ended_since, remove_journals
from ablate.store.ledger import run_directory
from ablate.store.sink import Sink
from ablate.store.state import COMPLETE, state
from ablate.study.plan import Plan

#: Runs by their path below `runs/<study>/`.
Runs = dict[str, tuple[Job, Task]]


def sweep_on_slurm(
    plan: Plan,
    root: Path,
    launch: Slurm,
    console: Console,
    sinks: Sequence[Sink] = (),
    further: Further = lambda plan: None,
) -> Swept | None:
    """Train what the ledger does not have, by an array of workers; return what came of it.

    None with `launch.detach`: the workers have begun, or will. An array of this study that is in
    the queue already is followed, and none submitted. Raises as `ablate.launch.sweep.sweep`, and
    AblateError where the array is gone and runs are missing. KeyboardInterrupt leaves the array.
    """
    plan, name = in_folders_there(plan, root), plan.study.name
    device = device_for(plan.cells[0].config.trainer.device, launch)
    plan, works, is_left = past_what_is_there(plan, root, device, further)
    if not is_left:
        return Swept(runs=plan.runs)
    check_here()
    array, places = submitted(root, name), ended_since(root, name, {})[1]
    if array is None:
        declare_checked(plan, root, console, device)
        remove_journals(root, name)
        array, places = submit(root, name, launch), {}
    console.out(f"array {array.job}: ablate status {name} says what its workers do")
    if launch.detach:
        return None
    for sink in sinks:
        sink.open()
    try:
        runs = _runs(plan, root, works, device)
        ended = sum(_shown(plan, root, runs, array, places, console, sinks))
    except KeyboardInterrupt:
        console.out(f"array {array.job} goes on; scancel {array.job} ends it")
        raise
    return _outcome(as_asked_before(plan, root), root, device, array, ended)


def _runs(plan: Plan, root: Path, works: LookedUp, device: Device) -> Runs:
    """Return the tuning and scored runs; of a cell that is not tuned yet, with no key yet."""
    found: Runs = {}
    folder = root / "runs" / plan.study.name
    tuning, scored = works
    for work in (*tuning, *scored):
        for task in work.tasks:
            job = Job(work.name, work.config, (task,), root, device)
            found[str(task.directory.relative_to(folder))] = job, task
    for cell in plan.cells:
        for replicate in range(plan.replicates_of(cell)):
            directory = run_directory(root, plan.study.name, cell.slug, replicate)
            task = Task(replicate, "", directory)
            job = Job(cell.name, cell.config, (task,), root, device)
            found.setdefault(str(directory.relative_to(folder)), (job, task))
    return found


def _shown(
    plan: Plan, root: Path, runs: Runs, array: Array, places: Mapping[str, int],
    console: Console, sinks: Sequence[Sink],
) -> Iterator[int]:  # fmt: skip
    """Show how the workers get on; yield 1 for each scored run that has ended."""
    name = plan.study.name
    there = {run for run, (_, task) in runs.items() if _is_there(task)}
    ahead = sum(cost(job) for run, (job, _) in runs.items() if run not in there)
    cells = {cell.slug: cell for cell in read_index(root, name) or ()}
    with progress("runs", len(runs), len(there), ahead, console) as shown:
        for ended in follow(root, name, array, console, places):
            if ended.run in runs:
                job, task = runs[ended.run]
                said = "" if ended.status == "done" else ended.status.replace("diverged", "n/c")
                shown.show(Event(job, task, ended.status, said))
            slug, _, number = ended.run.partition("/")
            if slug in cells and number.isdecimal():
                for sink in sinks:
                    sink.run_ended(cells[slug], int(number))
                yield 1


def _is_there(task: Task) -> bool:
    return bool(task.key) and state(task.directory, task.key)[0] in COMPLETE


def _outcome(plan: Plan, root: Path, device: Device, array: Array, ended: int) -> Swept:
    """Return what came of an array that is gone; raises AblateError where runs are missing."""
    tuning, scored = look_up(plan, root, device)
    tasks = [task for work in (*tuning, *scored) for task in work.missing]
    failed = sum(state(task.directory, task.key)[0] == "failed" for task in tasks)
    if not failed and not is_whole(plan, (tuning, scored)):
        known = sum(len(work.tasks) for work in scored)
        left = len(tasks) + plan.runs - known
        raise AblateError(
            f"array {array.job} has ended and {left} runs are missing: it was cancelled, or its "
            "jobs met a limit of time or memory; the same command submits what is missing."
        )
    return Swept(ended, failed, plan.runs)
