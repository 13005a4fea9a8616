"""Measure, side by side, and write the tables of `bench/README.md`.

Synopsis, from the root of the repository::

    make bench                 # a quarter of an hour at most
    make bench ARGS=--quick    # three minutes at most; prints, and leaves the page alone
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
_DESCRIPTION = "Measure, side by side, and write the tables of bench/README.md."


def main() -> int:
    """Run all measurements; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=_DESCRIPTION)
    parser.add_argument("--quick", action="store_true", help="few rounds; prints only")
    quick = parser.parse_args().quick
    if importlib.util.find_spec("lightning") is None:
        print("bench needs Lightning to compare with: pip install -c constraints.txt -e '.[bench]'")
        return 2
    # Before torch is imported: threads and MKL's mode are read once.
    from ablate.train import prepare_process

    prepare_process(threads=1)
    from ablate import data

    from . import efficiency, epoch, page
    from .cells import ADAM, THIN, cell

    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {what}", flush=True)

    rounds = (3, 2) if quick else (15, 9)
    mnist = data.load(cell(THIN, ADAM, 55_000, 5_000).data, HERE.parent)
    say("arithmetic efficiency")
    shares = efficiency.measure(mnist, rounds[0], steps=50 if quick else 100, say=say)
    say("one epoch")
    epochs = epoch.measure(mnist, rounds[1], say)
    text = page.tables(_where(*rounds), shares, epochs)
    print("\n" + text)
    if not quick:
        page.write(HERE / "README.md", text)
    return 0


def _where(efficiency_rounds: int, epoch_rounds: int) -> str:
    import lightning
    import torch

    from ablate.store.provenance import provenance

    facts = provenance("cpu", "", 0)
    return (
        f"{facts['cpu']} ({facts['cpu_capability']}), {os.cpu_count()} cores, one thread. "
        f"Python {facts['versions']['python']}, torch {torch.__version__.partition('+')[0]}, "
        f"Lightning {lightning.__version__}. "
        f"{efficiency_rounds} and {epoch_rounds} rounds; quartiles in parentheses."
    )


if __name__ == "__main__":
    sys.exit(main())
