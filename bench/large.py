"""Ledgers of 10,000 and 100,000 runs: what it takes to look at them, load them and report on them.

Synopsis, from the root of the repository, with `pip install -c constraints.txt -e '.[bench]'`::

    python -m bench.large                 # a quarter of an hour, and 2 GB of /tmp
    python -m bench.large --runs 10000    # three minutes

The ledgers are those of `bench.large_ledger`: read from memory, as they are just written.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .growth import watched
from .large_ledger import NAME, REPLICATES, large_study, write_large_ledger

#: Settings of the three factors beside initialization and activation, by runs.
_SHAPES = {2_000: (5, 1, 1), 10_000: (5, 5, 1), 100_000: (5, 5, 10)}
_LOAD = "import sys, ablate; print(len(ablate.load(sys.argv[1], sys.argv[2])))"


@dataclass(frozen=True)
class Taken:
    """What a command took.

    seconds    from its start to its end
    processor  seconds that it and its children computed: on a machine that is shared the better one
    memory     GiB, the peak of all its processes
    """

    seconds: float
    processor: float
    memory: float


def measure(command: list[str], folder: Path) -> Taken:
    """Run a command in a folder; raises RuntimeError where it fails."""
    before = _computed()
    seconds, memory = watched(command, folder)
    return Taken(seconds, _computed() - before, memory / 1024)


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Print the table, a line as it is measured; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument(
        "--runs", type=int, nargs="+", choices=sorted(_SHAPES), default=[10_000, 100_000]
    )
    print("| runs | | seconds | of them computing | GiB |\n|---:|---|---:|---:|---:|")
    for runs in parser.parse_args().runs:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            root = Path(place)
            made = write_large_ledger(root, large_study(*_SHAPES[runs]))
            commands = {
                "status": [sys.executable, "-m", "ablate", "status", NAME, "--root", place],
                "load": [sys.executable, "-c", _LOAD, NAME, place],
                "report": [sys.executable, "-m", "ablate", "report", NAME, "--root", place],
            }
            for name, command in commands.items():
                one = measure(command, root)
                print(
                    f"| {made // REPLICATES:,} × {REPLICATES} | {name} | {one.seconds:.0f} | "
                    f"{one.processor:.0f} | {one.memory:.1f} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
