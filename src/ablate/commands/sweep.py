"""`ablate sweep`, from start to end: sweep, mirror, report, and the closing lines."""

import argparse
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from ablate.commands import command_line
from ablate.commands.command_line import Start, starts
from ablate.commands.here import shown, typed
from ablate.commands.sync import sync_study
from ablate.config import Slurm
from ablate.errors import AblateError
from ablate.launch.asked import as_asked_before
from ablate.launch.device import device_kind
from ablate.launch.phases import Swept
from ablate.launch.slurm import script
from ablate.launch.sweep import declare_checked, sweep
from ablate.launch.sweep_on_slurm import sweep_on_slurm
from ablate.report import regenerate
from ablate.store.index import read_index
from ablate.store.live import LiveMirror, mirroring, not_mirrored
from ablate.store.pack import pack_path, restore
from ablate.store.reader import finished
from ablate.store.sink import Sink
from ablate.study.names import SINGLE
from ablate.study.plan import Plan

#: What is told of a single run, as far as it has it.
_TOLD = (
    "test/accuracy", "test/r2", "test/f1", "test/loss", "validation/accuracy", "validation/r2",
    "train/loss",
)  # fmt: skip


@dataclass(frozen=True)
class _Outcome:
    """What came of a sweep and its report.

    news   there is something that trackers do not have yet
    whole  no run failed, and the report says all that it is to say
    """

    news: bool
    whole: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate sweep` takes."""
    command_line.add_arguments(parser, "[study=NAME]")
    parser.add_argument(
        "-c",
        "--cfg",
        choices=("job", "hydra", "all"),
        help="print the config that all cells start from, and end",
    )
    said = (
        "write down what is to be trained, and end: ablate work trains it, wherever it is started"
    )
    parser.add_argument("--declare", action="store_true", help=said)


def run(options: argparse.Namespace) -> int:
    """Train what is not there, and report, a study at a time; return the worst exit code."""
    # Lines go to `out`, which takes no word for markup. Of no columns rich would show nothing.
    width = shutil.get_terminal_size().columns if "COLUMNS" in os.environ else None
    console = Console(highlight=False, width=width)
    each = _declare if options.declare else _started
    return max((each(start, console) for start in starts(options)), default=0)


def _started(start: Start, console: Console) -> int:
    """Run a study, or print how SLURM would; return the exit code."""
    if isinstance(start.launch, Slurm) and start.launch.print:
        print(script(start.plan.study.name, start.root, start.launch), end="")
        return 0
    return _run_study(start, console)


def _run_study(start: Start, console: Console) -> int:
    """Sweep a study, tell its trackers, write its report; return the exit code.

    Trackers and the report never cost a trained run: the ledger has it before any is told.
    """
    study, root = start.plan.study, start.root
    tuning = f" · {start.plan.tuning_runs} tuning runs" if start.plan.tuning_runs else ""
    console.out(study.name, style="bold", end="")
    console.out(f" · {start.size}{tuning} · {start.data_names}")
    for note in start.plan.notes:
        console.out(note)
    _restored(start, console)
    cut_short = mirroring(root, study.name).exists()
    mirror = LiveMirror(root, study.name, study.question)
    try:
        plan = as_asked_before(start.plan, root)
        swept = _swept(plan, start, console, (mirror,))
        if swept is None:  # its workers go on
            return 0
        # Trackers catch up meanwhile: nobody waits for them to see a result.
        outcome = _told(start, swept, console)
    finally:
        problem = mirror.close()
    if (outcome.news or cut_short or problem) and not mirror.hangs:
        # What the live mirror leaves: runs under old keys, those of a killed process, those that
        # ended while MLflow was away, and what other folders have written meanwhile.
        try:
            sync_study(root, study.name)
            problem = None
        except Exception as error:  # MLflow never costs a sweep its exit code
            problem = not_mirrored(error)
    if problem is not None:
        console.out(problem, style="yellow")
    return 0 if outcome.whole else 1


def _restored(start: Start, console: Console) -> None:
    """Unpack a study that is there as a file alone: it may get more runs."""
    name = start.plan.study.name
    if restore(start.root, name):
        console.out(f"unpacked {shown(pack_path(start.root, name))}, which stays as it was")


def _swept(plan: Plan, start: Start, console: Console, sinks: Sequence[Sink]) -> Swept | None:
    """Return what came of training by what `launch` names; None where that goes on without us."""
    more = partial(further, start.root, console)
    if isinstance(start.launch, Slurm):
        return sweep_on_slurm(plan, start.root, start.launch, console, sinks, more)
    return sweep(plan, start.root, start.launch, console, sinks, more)


def _declare(start: Start, console: Console) -> int:
    """Write down what is to be trained and say how; return the exit code."""
    study, root = start.plan.study, start.root
    _restored(start, console)
    plan = as_asked_before(start.plan, root)
    asked = plan.cells[0].config.trainer.device  # it may be one that is not here
    device = device_kind("auto") if asked == "auto" else asked
    declare_checked(plan, root, console, device)
    console.out(f"{study.name} · {start.size} · {start.data_names} · for {device}")
    how = typed(f"ablate work {study.name}", root)
    console.out(f"declared: {how} trains it, on as many machines as see {shown(root)}")
    return 0


def _told(start: Start, swept: Swept, console: Console) -> _Outcome:
    """Say what came of a sweep, and report."""
    study, root = start.plan.study, start.root
    if not swept.ended and not swept.failed:
        console.out(f"nothing to do: all {swept.runs} runs are in the ledger")
    if swept.failed:
        console.out(
            f"{swept.failed} runs failed; error.log in the folder of each says why, "
            "and the same command tries them again"
        )
    news, whole = swept.ended > 0, not swept.failed
    if study.name == SINGLE:
        _print_metrics(root, console)
    elif not swept.failed:
        try:
            written = _report(start, console)
            news |= written.changed
            whole = not written.missing
        except (AblateError, OSError) as error:  # what cannot be drawn; a full disk
            whole = False
            why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
            console.out(
                f"the report is not written: {str(why).rstrip('.')}; all runs are in the "
                f"ledger, {typed(f'ablate report {study.name}', root)} makes it from them"
            )
    console.file.flush()
    return _Outcome(news, whole)


def further(root: Path, console: Console, plan: Plan) -> Plan | None:
    """Return what open claims need for their next look; None where the study has none, or no more.

    What no open claim needs stays as it is.
    """
    looks = plan.study.looks
    if not looks:
        return None
    from ablate.report.deciding import deciding  # pandas, which other studies do without here

    found = deciding(root, plan.study.name)
    asked = {
        cell.key: max(plan.replicates_of(cell), found.wanted.get(cell.slug, 0))
        for cell in plan.cells
    }
    if all(asked[cell.key] == plan.replicates_of(cell) for cell in plan.cells):
        return None
    number = min(found.wanted.values())
    console.out(
        f"look {looks.index(number) + 1} of {len(looks)}: {number} of at most {looks[-1]} "
        f"replicates, {found.open} of {found.claims} claims open"
    )
    return replace(plan, asked=asked)


def _report(start: Start, console: Console) -> regenerate.Written:
    """Write the report where the ledger has news, and say where it is and what it says."""
    written = regenerate.regenerate(start.root, start.plan.study.name)
    console.out(written.answer)
    for claim in written.claims:
        effect = f"  {claim['effect']}" if claim["effect"] != "–" else ""
        console.out(f"{claim['verdict']}: {claim['text']}{effect}")
    for warning in written.warnings:
        console.out(f"! {warning['kind']}: {warning['text']}")
    for sentence in written.missing:
        console.out(f"! {sentence}")
    console.out(f"report: {shown(written.directory)}/index.html (or README.md)")
    console.out(f"browse: {typed(f'ablate ui {start.plan.study.name}', start.root)}")
    return written


def _print_metrics(root: Path, console: Console) -> None:
    """Print what a single cell reached: nobody writes a report on one number."""
    for cell in read_index(root, SINGLE) or ():
        for _, directory, result in finished(root, SINGLE, cell):
            names = (
                "test/accuracy",
                "test/r2",
                "test/f1",
                "test/loss",
                "validation/accuracy",
                "train/loss",
            )
            values = [f"{n} {result.metrics[n]:.4f}" for n in names if n in result.metrics]
            state = "n/c" if result.status == "diverged" else result.status
            console.out(f"{shown(directory)}: {state}  {'  '.join(values)}")
