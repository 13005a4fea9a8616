"""One command from start to end: sweep, mirror, report, and the closing lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ablate.commands.command_line import SINGLE, Start
from ablate.commands.status import swept_studies
from ablate.errors import AblateError, ConfigError
from ablate.launch.sweep import sweep
from ablate.store.cell import LedgerCell
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.live import LiveMirror, mirror_is_complete, unreachable, was_cut_short
from ablate.store.result import read_result
from ablate.study.lockfile import read_lock

if TYPE_CHECKING:
    from ablate.report.regenerate import Written
    from ablate.store.sync import Synced


def run_studies(starts: Sequence[Start], console: Console) -> int:
    """Run one study after the other; return the exit code of the worst."""
    return max((run_study(start, console) for start in starts), default=0)


def run_study(start: Start, console: Console) -> int:
    """Sweep a study, mirror it to MLflow, write its report; return the exit code.

    MLflow and the report never cost a trained run: the ledger has it before either is told.
    """
    study, root = start.plan.study, start.root
    console.print(_heading(start))
    for note in start.plan.notes:
        console.print(note, highlight=False)
    cut_short = was_cut_short(root, study.name)
    mirror = LiveMirror(root, study.name, study.question)
    ended = 0

    def watch(cell: LedgerCell, replicate: int) -> None:
        nonlocal ended
        ended += 1
        mirror.run_ended(cell, replicate)

    try:
        failed = sweep(start.plan, root, start.launch, console, watch, mirror.open)
    finally:
        problem = mirror.close()
    if not ended and not failed:
        console.print(f"nothing to do: all {start.plan.runs} runs are in the ledger")
    if failed:
        console.print(
            f"{failed} runs failed; error.log in the folder of each says why, "
            "and the same command tries them again"
        )
    changed = ended > 0 or cut_short
    unwritten = False
    if study.name == SINGLE:
        _print_metrics(start, console)
    elif not failed:
        try:
            written = _report(start, console)
            changed |= written.changed
            unwritten = bool(written.missing)
        except (AblateError, OSError) as error:  # what cannot be drawn; a full disk
            unwritten = True
            why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
            console.print(
                f"[red]the report is not written[/]: {str(why).rstrip('.')}; all runs are in the "
                f"ledger, ablate report {study.name} makes it from them",
                highlight=False,
            )
    if changed and problem is None:
        problem = _bring_up_to_date(root, study.name)
    if problem:
        console.print(f"[yellow]{problem}[/]")
    return 1 if failed or unwritten else 0


def sync_studies(root: Path, names: Sequence[str]) -> int:
    """Bring the MLflow store up to the ledger for the studies named, or for all."""
    known = swept_studies(root)
    for name in names or known:
        if name not in known:
            raise ConfigError(f"study '{name}' has no runs here; there is nothing to sync.")
        try:
            done = _sync(root, name)
        except Exception as error:  # whatever MLflow raises for a store it cannot use
            raise AblateError(unreachable(root, error)) from error
        print(f"{name}: {done.written} written, {done.kept} up to date, {done.deleted} deleted")
    return 0


def _sync(root: Path, name: str) -> Synced:
    from ablate.store.sync import sync

    cells, locked = read_index(root, name), read_lock(root / "runs" / name)
    assert cells is not None
    assert locked is not None
    report = root / "reports" / name
    done = sync(root, name, locked.study.question, cells, report if report.is_dir() else None)
    mirror_is_complete(root, name)
    return done


def _bring_up_to_date(root: Path, name: str) -> str | None:
    """Clear what the live mirror leaves: runs under old keys, and those of a killed process."""
    try:
        _sync(root, name)
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
        console.print(f"[yellow]{sentence}[/]", highlight=False)
    console.print(f"report: {_relative(written.directory)}/index.html (or README.md)")
    console.print(f"browse: ablate ui {start.plan.study.name}")
    return written


def _print_metrics(start: Start, console: Console) -> None:
    """Print what a single cell reached: nobody writes a report on one number."""
    for cell in start.plan.cells:
        for replicate in range(start.plan.study.replicates):
            directory = run_directory(start.root, SINGLE, cell.slug, replicate)
            result = read_result(directory)
            if result is not None:
                shown = ("test/accuracy", "test/loss", "validation/accuracy", "train/loss")
                values = [f"{n} {result.metrics[n]:.4f}" for n in shown if n in result.metrics]
                state = "n/c" if result.status == "diverged" else result.status
                console.print(f"{_relative(directory)}: {state}  {'  '.join(values)}")


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
