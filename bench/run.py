"""Measure, side by side, and write the tables of `bench/README.md`.

Synopsis, from the root of the repository::

    make bench                 # a quarter of an hour at most
    make bench ARGS=--quick    # three minutes at most; prints, and leaves the page alone
    make bench ARGS=--full     # an hour: the sizes of the committed page
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
_DESCRIPTION = "Measure, side by side, and write the tables of bench/README.md."


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    sweeps     (network, images, epochs, rounds) of the whole sweeps
    long       100 runs of five epochs as well, the peers' in a process each
    growth     runs of the sweeps that show how it grows; with 100, as many over all of MNIST
    stacks     rounds
    workers    rounds, 0: not measured
    """

    sweeps: tuple[tuple[str, int, int, int], ...]
    long: bool
    growth: tuple[int, ...]
    stacks: int
    workers: int


QUICK = Sizes((("thin", 5_000, 1, 1),), long=False, growth=(1, 10), stacks=1, workers=0)
USUAL = Sizes(
    (("thin", 20_000, 2, 2), ("wide", 5_000, 1, 2), ("deep", 5_000, 1, 2), ("cnn", 1_000, 1, 1)),
    long=False, growth=(1, 10, 100), stacks=3, workers=2,
)  # fmt: skip
FULL = Sizes(
    (("thin", 55_000, 2, 2), ("wide", 10_000, 1, 2), ("deep", 10_000, 1, 2), ("cnn", 1_000, 1, 1)),
    long=True, growth=(1, 10, 100, 1000), stacks=3, workers=2,
)  # fmt: skip


def main() -> int:
    """Run all measurements; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=_DESCRIPTION)
    parser.add_argument("--quick", action="store_true", help="little of it; prints only")
    parser.add_argument("--full", action="store_true", help="all of it, for an hour")
    asked = parser.parse_args()
    if importlib.util.find_spec("lightning") is None:
        print("bench needs Lightning to compare with: pip install -c constraints.txt -e '.[bench]'")
        return 2
    # Before torch is imported: threads and MKL's mode are read once.
    from ablate.train.process import prepare_process

    prepare_process(threads=1)
    sizes = QUICK if asked.quick else FULL if asked.full else USUAL
    from ablate.errors import AblateError

    try:
        text = measure(sizes, HERE.parent, None if asked.quick else HERE / "sweeps.svg")
    except AblateError as error:  # a data set that is not there
        print(f"bench: {error}")
        return 2
    print("\n" + text)
    if not asked.quick:
        from . import page

        page.write(HERE / "README.md", text)
    return 0


def measure(sizes: Sizes, root: Path, figure: Path | None) -> str:
    """Return all tables; draw the figure where a path is given."""
    from ablate import data

    from . import growth, page, plot, stacks, sweeps
    from .cells import MOMENTUM, cell
    from .networks import CNN, NETS, THIN

    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {what}", flush=True)

    workers = min(2, os.cpu_count() or 1)
    loaded = {
        net.dataset: data.load(cell(net, MOMENTUM, 1_000, 100).data, root) for net in (THIN, CNN)
    }
    rows = stacks.measure(loaded, sizes.stacks, sizes.stacks == 1, say)
    measured = []
    for name, images, epochs, rounds in sizes.sweeps:
        case = sweeps.Case(NETS[name], images, epochs)
        if NETS[name].images:
            case = replace(case, validation=1_000, test=2_000)
        say(f"sweeps of {case.net.title}")
        measured.append((case, sweeps.measure(case, root, rounds, workers, say)))
    if sizes.long:
        case = sweeps.Case(THIN, 55_000, 5, 34, peer_replicates=8, fresh=True)
        say("102 runs of five epochs")
        measured.append((case, sweeps.measure(case, root, 1, workers, say)))
    grown = growth.measure_growth(list(sizes.growth), root, workers, say)
    parts = [
        _where(),
        page.sweeps_table(measured),
        page.growth_table(grown),
        page.stacks_table(rows),
    ]
    if sizes.workers:
        _, images, epochs, _ = sizes.sweeps[0]
        case = sweeps.Case(THIN, images, epochs)
        parts.insert(3, page.workers_table(growth.measure_workers(case, root, sizes.workers, say)))
    if figure is not None:
        plot.draw(measured, grown, figure)
    return "\n".join(parts)


def _where() -> str:
    import lightning
    import torch

    from ablate.store.provenance import provenance

    facts = provenance("cpu", "", 0)
    return (
        f"{facts['cpu']} ({facts['cpu_capability']}), {os.cpu_count()} cores, one thread a "
        f"process. Python {facts['versions']['python']}, torch "
        f"{torch.__version__.partition('+')[0]}, Lightning {lightning.__version__}. "
        "Medians over the rounds, quartiles in parentheses.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
