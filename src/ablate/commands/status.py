"""`ablate status`: how far each study is, from its index and its results; nothing is composed."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ablate.commands.here import typed
from ablate.errors import ConfigError, nearest, one_of
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.lock import running
from ablate.store.state import state, studies


@dataclass(frozen=True)
class Status:
    """Counts of a study's scored runs by their state (`ablate.store.state.State`).

    process   id of the process that sweeps the study now, or None
    """

    study: str
    runs: int
    done: int = 0
    not_converged: int = 0
    failed: int = 0
    running: int = 0
    missing: int = 0
    stale: int = 0
    damaged: int = 0
    process: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate status` takes."""
    parser.add_argument("study", nargs="?", help="one study; default: all that have runs")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, _: Sequence[str]) -> int:
    """Print a line per study; return the exit code."""
    names = [options.study] if options.study else studies(options.root)
    found = [status(options.root, name) for name in names]
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
    elif found:
        print("\n".join(map(_line, found)))
    else:
        start = typed("ablate sweep study=quickstart", options.root)
        print(f"no runs yet; start with: {start}")
    return 0


def status(root: Path, study: str) -> Status:
    """Count one study's runs; raises ConfigError when it was never swept."""
    cells = read_index(root, study)
    if cells is None:
        known = studies(root)
        have = f"there are runs of {one_of(known)}" if known else "there are no runs yet"
        raise ConfigError(f"study '{study}' has no runs here; {have}.{nearest(study, known)}")
    counts: Counter[str] = Counter(
        state(run_directory(root, study, cell.slug, replicate), cell.expected(replicate))[0]
        for cell in cells
        for replicate in range(cell.replicates)
    )
    return Status(study, counts.total(), **counts, process=running(root, study))


def _line(one: Status) -> str:
    counts = (
        f"{one.done} done, {one.not_converged} n/c, {one.failed} failed, "
        f"{one.running} running, {one.missing} missing, {one.stale} stale"
    )
    counts += f", {one.damaged} damaged" if one.damaged else ""
    sweeping = f"  (process {one.process} is sweeping)" if one.process is not None else ""
    return f"{one.study:<24} {one.runs:>5} runs: {counts}{sweeping}"
