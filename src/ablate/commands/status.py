"""`ablate status`: how far each study is, from its index and its results; nothing is composed."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from ablate.commands.here import shown, study_name, typed
from ablate.errors import ConfigError, nearest, one_of
from ablate.store.glance import states
from ablate.store.index import read_index
from ablate.store.journal import workers
from ablate.store.lock import running
from ablate.store.pack import pack_path, packed
from ablate.store.state import COMPLETE, State, studies

#: Runs that a worker has begun, as many as are named.
_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate status` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="?", help="one study; default: all that have runs"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print a line per study; return the exit code."""
    root, name = options.root, options.study
    files = [one for one in packed(root) if name in (None, one)]
    found = [status(root, one) for one in ([name] if name else studies(root)) if one not in files]
    if options.json:
        told = [{"study": one, "packed": str(pack_path(root, one))} for one in files]
        print(json.dumps([*found, *told], indent=2))
    else:
        start = typed("ablate sweep study=quickstart", root)
        lines = [f"{one:<24} packed in {shown(pack_path(root, one))}" for one in files]
        print("\n".join([*map(_line, found), *lines]) or f"no runs yet; start with: {start}")
    return 0


def status(root: Path, study: str) -> dict[str, Any]:
    """Return a study's name, its scored runs, how many are in each state, and who works on it now.

    `process` is the id of the one that sweeps it, or None; `workers` are all that hand out runs of
    it, on any machine, with what each has begun. Of a study with looks also `replicates`, the
    fewest and the most that a cell is asked for so far, and `at_most`, which is declared. Raises
    ConfigError when it was never swept.
    """
    cells = read_index(root, study)
    if cells is None:
        known = studies(root)
        have = f"there are runs of {one_of(known)}" if known else "there are no runs yet"
        raise ConfigError(f"study '{study}' has no runs here; {have}.{nearest(study, known)}")
    at_work = [worker for worker in workers(root, study) if worker.alive]
    begun = {run for worker in at_work for run in worker.running}
    found = Counter[State]()
    for cell in cells:
        for replicate, one in enumerate(states(root / "runs" / study / cell.slug, cell)):
            is_begun = one not in COMPLETE and f"{cell.slug}/{replicate}" in begun
            found["running" if is_begun else one] += 1
    counts = {name: found[name] for name in get_args(State)}
    looked = {}
    if cells and cells[0].looks:
        numbers = [cell.replicates for cell in cells]
        looked = {"replicates": [min(numbers), max(numbers)], "at_most": cells[0].looks[-1]}
    state_of = {"study": study, "runs": found.total(), **counts, **looked}
    of_each = [
        {"host": one.host, "process": one.process, "ended": one.ended, "running": [*one.running]}
        for one in at_work
    ]
    return {**state_of, "process": running(root, study), "workers": of_each}


def _line(one: Mapping[str, Any]) -> str:
    shown = [f"{one[name]} {name}" for name in get_args(State) if one[name] or name != "damaged"]
    counts = ", ".join(shown).replace("not_converged", "n/c")
    sweeping = "" if one["process"] is None else f"  (process {one['process']} is sweeping)"
    looked = ""
    if "at_most" in one:
        span = " to ".join(dict.fromkeys(map(str, one["replicates"])))
        looked = f"; {span} of at most {one['at_most']} replicates"
    line = f"{one['study']:<24} {one['runs']:>5} runs: {counts}{looked}{sweeping}"
    return "\n".join([line, *map(_of_worker, one["workers"])])


def _of_worker(one: Mapping[str, Any]) -> str:
    runs = one["running"]
    more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
    now = f", now {', '.join(runs[:_SHOWN])}{more}" if runs else ""
    return f"{'':<24} {one['host']} (process {one['process']}): {one['ended']} runs ended{now}"
