"""A sweep: look up what is done, check the rest, declare it, train it."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from rich.console import Console

from ablate import data
from ablate.config import Executed, Local
from ablate.config.source import source_run
from ablate.config.target import Target
from ablate.data.augment_check import check_augment
from ablate.errors import ConfigError
from ablate.launch.device import Device, device_for
from ablate.launch.executor import executor_of
from ablate.launch.jobs import one_by_one
from ablate.launch.missing import in_folders_there
from ablate.launch.phases import (
    Further,
    LookedUp,
    Shared,
    Swept,
    index_of,
    is_whole,
    look_up,
    train_all,
)
from ablate.launch.precision import emulated
from ablate.launch.probed_check import check_probed
from ablate.launch.processor import check_capability
from ablate.launch.single_examples import check_normalization
from ablate.nn import architectures
from ablate.store.commit import remove_abandoned
from ablate.store.index import write_index
from ablate.store.journal import journal, remove_journals
from ablate.store.lock import lock
from ablate.store.result import read_result
from ablate.store.sink import Sink
from ablate.study.lockfile import lock_study
from ablate.study.plan import Plan


def sweep(
    plan: Plan,
    root: Path,
    launch: Executed,
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
    plan, name = in_folders_there(plan, root), plan.study.name
    trainer = plan.cells[0].config.trainer
    device = device_for(trainer.device, launch)
    if isinstance(launch, Local):  # elsewhere whoever trains tells
        check_capability(trainer.cpu_capability)
    plan, works, is_left = past_what_is_there(plan, root, device, further)
    if not is_left:
        return Swept(runs=plan.runs)
    with ExitStack() as held:
        # It gets ready while the cells are checked here.
        executor = held.enter_context(closing(executor_of(launch, device)))
        for note in notes(plan, root, device):
            console.out(note, style="dim")
        held.enter_context(lock(root, name))
        ours = held.enter_context(journal(root, name))
        remove_abandoned(root / "runs" / name)
        remove_journals(root, name)
        for sink in sinks:
            sink.open()
        shared = Shared(
            root, device, executor, ours, launch, console,
            lambda plan, works: declare(plan, root, works, device), sinks,
        )  # fmt: skip
        return train_all(shared, plan, works, further)


def past_what_is_there(
    plan: Plan, root: Path, device: Device, further: Further
) -> tuple[Plan, LookedUp, bool]:
    """Go from look to look as far as all runs are there, and declare each.

    Returns the plan to train or the last one, its works, and whether anything is left to train.
    """
    works = look_up(plan, root, device)
    while is_whole(plan, works):
        declare(plan, root, works, device)
        more = further(plan)
        if more is None:
            return plan, works, False
        plan, works = more, look_up(more, root, device)
    return plan, works, True


def declare_checked(plan: Plan, root: Path, console: Console, device: Device) -> None:
    """Declare for a kind of device what others are to train by `ablate work`; raises as `sweep`."""
    plan, name = in_folders_there(plan, root), plan.study.name
    for note in notes(plan, root, device):
        console.out(note, style="dim")
    with lock(root, name):
        remove_abandoned(root / "runs" / name)
        declare(plan, root, look_up(plan, root, device), device)


def declare(plan: Plan, root: Path, works: LookedUp, device: Device) -> None:
    """Write down what is going to be run: the lock file, and the keys to expect."""
    folder = root / "runs" / plan.study.name
    lock_study(folder, plan, partial(_has_runs, folder))
    write_index(root, plan.study.name, index_of(plan, works, root, device))


def notes(plan: Plan, root: Path, device: Device) -> list[str]:
    """Return what should be known before it is trained, in sentences; raises as `check`."""
    told = check(plan, root)
    told += filter(None, (one_by_one(cell.config, device) for cell in plan.cells))
    told += emulated((cell.config for cell in plan.cells), device)
    return list(dict.fromkeys(told))


def check(plan: Plan, root: Path) -> list[str]:
    """Raise ConfigError or DataError unless every cell's data is there and fits its model.

    Returns what should be known of the data before it is trained on, in sentences.
    """
    seen, told = set(), list[str]()
    for cell in plan.cells:
        config = cell.config
        source = source_run(config)
        if config.data not in seen:
            data.check_sizes(config.data)
            data.check_available(config.data, root)
            seen.add(config.data)
            told += data.notes_of(config.data)
        try:
            there = data.describe(config.data)
            data.check_whitening(config.data, there)
            if config.user_code or config.trainer.command is not None:
                from ablate.launch.user_check import check_user_code  # and with it torch

                check_user_code(config, root)
            if not isinstance(config.model, Target):
                shape = architectures.Shape(there.inputs, there.vocabulary)
                architectures.check(config.model, shape)
                architectures.frozen_layers(config.model, config.trainer.frozen)
                check_normalization(config, there.inputs)
            data.check_pretraining(config)
            if source is not None:
                check_normalization(source, there.inputs)
            if not isinstance(config.augment, Target):
                check_augment(config.augment, there.inputs, of_tokens=there.vocabulary > 0)
        except ConfigError as error:
            raise ConfigError(f"{cell.name}: {error}") from error
        if source is not None and source.data not in seen:
            data.check_available(source.data, root)
            seen.add(source.data)
    check_probed(plan)
    return told


def _has_runs(folder: Path) -> bool:
    """Tell whether a run of the study, tuning and members among them, has ended with numbers."""
    paths = (path for path in folder.rglob("result.json"))
    return any((result := read_result(p.parent)) and result.status != "failed" for p in paths)
