"""`ablate status`: how far each study is, from its index and its results; nothing is composed."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ablate.commands.here import typed
from ablate.errors import ConfigError, nearest, one_of
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.lock import running
from ablate.store.state import State, state, studies


@dataclass(frozen=True)
class Status:
    """Counts of a study's scored runs by their state, and the process that sweeps it now if any."""

    study: str
    runs: int
    counts: Mapping[str, int]
    process: int | None

    def as_json(self) -> dict[str, object]:
        """Return study, runs, a count per state and the process, by name."""
        return {"study": self.study, "runs": self.runs, **self.counts, "process": self.process}


def run(options: argparse.Namespace) -> int:
    """Print a line per study; return the exit code."""
    names = [options.study] if options.study else studies(options.root)
    found = [status(options.root, name) for name in names]
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
    else:
        start = typed("ablate sweep study=quickstart", options.root)
        print("\n".join(map(_line, found)) or f"no runs yet; start with: {start}")
    return 0


def status(root: Path, study: str) -> Status:
    """Count one study's runs; raises ConfigError when it was never swept."""
    cells = read_index(root, study)
    if cells is None:
        known = studies(root)
        have = f"there are runs of {one_of(known)}" if known else "there are no runs yet"
        raise ConfigError(f"study '{study}' has no runs here; {have}.{nearest(study, known)}")
    found = Counter(
        state(run_directory(root, study, cell.slug, replicate), cell.expected(replicate))[0]
        for cell in cells
        for replicate in range(cell.replicates)
    )
    counts = {name: found[name] for name in get_args(State)}
    return Status(study, found.total(), counts, running(root, study))


def _line(one: Status) -> str:
    shown = [f"{n} {name}" for name, n in one.counts.items() if n or name != "damaged"]
    counts = ", ".join(shown).replace("not_converged", "n/c")
    sweeping = f"  (process {one.process} is sweeping)" if one.process is not None else ""
    return f"{one.study:<24} {one.runs:>5} runs: {counts}{sweeping}"
