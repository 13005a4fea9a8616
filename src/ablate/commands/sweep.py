"""`ablate sweep`, from start to end: sweep, mirror, report, and the closing lines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ablate.commands import command_line
from ablate.commands.command_line import SINGLE, Start
from ablate.commands.here import shown, typed
from ablate.errors import AblateError
from ablate.launch.sweep import sweep
from ablate.store.index import read_index
from ablate.store.live import LiveMirror, mirroring, unreachable
from ablate.store.reader import finished
from ablate.store.sink import Sink

if TYPE_CHECKING:
    from ablate.report.regenerate import Written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate sweep` takes."""
    command_line.add_arguments(parser, "[study=NAME]")
    parser.add_argument(
        "-c", "--cfg", choices=("job", "hydra", "all"),
        help="print the config that all cells start from, and end",
    )  # fmt: skip


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Train what is not there, and report; return the exit code."""
    return run_studies(command_line.starts(options, words, multirun=True))


def run_studies(starts: Sequence[Start]) -> int:
    """Run one study after the other; return the exit code of the worst."""
    console = Console(highlight=False, soft_wrap=True)
    return max((run_study(start, console) for start in starts), default=0)


def run_study(start: Start, console: Console) -> int:
    """Sweep a study, tell its trackers, write its report; return the exit code.

    Trackers and the report never cost a trained run: the ledger has it before any is told.
    """
    study, root = start.plan.study, start.root
    console.print(_heading(start))
    for note in start.plan.notes:
        console.print(note, highlight=False)
    cut_short = mirroring(root, study.name).exists()
    sinks: tuple[Sink, ...] = (LiveMirror(root, study.name, study.question),)
    try:
        swept = sweep(start.plan, root, start.launch, console, sinks)
    finally:
        problems = [problem for sink in sinks if (problem := sink.close())]
    if not swept.ended and not swept.failed:
        console.print(f"nothing to do: all {start.plan.runs} runs are in the ledger")
    if swept.failed:
        console.print(
            f"{swept.failed} runs failed; error.log in the folder of each says why, "
            "and the same command tries them again"
        )
    changed = swept.ended > 0 or cut_short
    unwritten = False
    if study.name == SINGLE:
        _print_metrics(root, console)
    elif not swept.failed:
        try:
            written = _report(start, console)
            changed |= written.changed
            unwritten = bool(written.missing)
        except (AblateError, OSError) as error:  # what cannot be drawn; a full disk
            unwritten = True
            why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
            console.print(
                f"[red]the report is not written[/]: {str(why).rstrip('.')}; all runs "
                f"are in the ledger, {typed(f'ablate report {study.name}', root)} makes it from "
                "them",
                highlight=False,
            )
    if changed and not problems:
        problems += filter(None, [_bring_up_to_date(root, study.name)])
    for problem in problems:
        console.print(f"[yellow]{problem}[/]")
    return 1 if swept.failed or unwritten else 0


def _bring_up_to_date(root: Path, name: str) -> str | None:
    """Clear what the live mirror leaves: runs under old keys, and those of a killed process."""
    try:
        from ablate.commands.sync import sync_study

        sync_study(root, name)
    except Exception as error:  # MLflow never costs a sweep its exit code
        return unreachable(root, error)
    return None


def _heading(start: Start) -> str:
    plan = start.plan
    names = {cell.config.data.name for cell in plan.cells}
    cells = "1 cell" if len(plan.cells) == 1 else f"{len(plan.cells)} cells"
    tuning = f" · {plan.tuning_runs} tuning runs" if plan.tuning_runs else ""
    return (
        f"[bold]{plan.study.name}[/] · {cells} × {plan.study.replicates} replicates{tuning} · "
        f"{', '.join(sorted(names))}"
    )


def _report(start: Start, console: Console) -> Written:
    """Write the report where the ledger has news, and say where it is and what it says."""
    from ablate.report.regenerate import regenerate

    written = regenerate(start.root, start.plan.study.name)
    console.print(written.answer)
    for claim in written.claims:
        effect = f"  {claim['effect']}" if claim["effect"] != "–" else ""
        console.print(f"{claim['verdict']}: {claim['text']}{effect}", highlight=False)
    for sentence in written.missing:
        console.print(f"! {sentence}", highlight=False, markup=False)
    console.print(f"report: {shown(written.directory)}/index.html (or README.md)")
    console.print(f"browse: {typed(f'ablate ui {start.plan.study.name}', start.root)}")
    return written


def _print_metrics(root: Path, console: Console) -> None:
    """Print what a single cell reached: nobody writes a report on one number."""
    for cell in read_index(root, SINGLE) or ():
        for _, directory, result in finished(root, SINGLE, cell):
            names = ("test/accuracy", "test/loss", "validation/accuracy", "train/loss")
            values = [f"{n} {result.metrics[n]:.4f}" for n in names if n in result.metrics]
            state = "n/c" if result.status == "diverged" else result.status
            console.print(f"{shown(directory)}: {state}  {'  '.join(values)}")
