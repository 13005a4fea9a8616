"""`ablate status`: how far each study is, from its index and its results; nothing is composed."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from ablate.commands.here import study_name, typed
from ablate.errors import ConfigError, nearest, one_of
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.lock import running
from ablate.store.state import State, state, studies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate status` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="?", help="one study; default: all that have runs"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print a line per study; return the exit code."""
    names = [options.study] if options.study else studies(options.root)
    found = [status(options.root, name) for name in names]
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        start = typed("ablate sweep study=quickstart", options.root)
        print("\n".join(map(_line, found)) or f"no runs yet; start with: {start}")
    return 0


def status(root: Path, study: str) -> dict[str, Any]:
    """Return a study's name, its scored runs, how many are in each state, and who sweeps it now.

    The last is the id of a process or None. Of a study with looks also `replicates`, the fewest
    and the most that a cell is asked for so far, and `at_most`, which is declared. Raises
    ConfigError when it was never swept.
    """
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
    looked = {}
    if cells and cells[0].looks:
        numbers = [cell.replicates for cell in cells]
        looked = {"replicates": [min(numbers), max(numbers)], "at_most": cells[0].looks[-1]}
    state_of = {"study": study, "runs": found.total(), **counts, **looked}
    return {**state_of, "process": running(root, study)}


def _line(one: Mapping[str, Any]) -> str:
    shown = [f"{one[name]} {name}" for name in get_args(State) if one[name] or name != "damaged"]
    counts = ", ".join(shown).replace("not_converged", "n/c")
    sweeping = "" if one["process"] is None else f"  (process {one['process']} is sweeping)"
    looked = ""
    if "at_most" in one:
        span = " to ".join(dict.fromkeys(map(str, one["replicates"])))
        looked = f"; {span} of at most {one['at_most']} replicates"
    return f"{one['study']:<24} {one['runs']:>5} runs: {counts}{looked}{sweeping}"
