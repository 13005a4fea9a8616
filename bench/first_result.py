"""From the command to the first result: how long a person waits who trains one small run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .networks import THIN
from .sweeps import Case, ablate_command, sweep_folder, timed
from .timing import Spread, interleave, ratios

IMPORTS = "import torch, mlflow"
FRESH = "ablate run, no store"
AGAIN = "ablate run, store there"
SWEEP = "ablate sweep of one cell, with its report"


@dataclass(frozen=True)
class Row:
    """A command: its seconds, and how many times those of the imports alone."""

    name: str
    seconds: Spread
    ratio: Spread


def measure(root: Path, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Time the commands in turn; both imports stand in one process."""

    def fresh() -> float:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            return until_printed(run_command(Path(place), root, 0.001), "test/accuracy")

    def sweep() -> float:
        with sweep_folder(Case(THIN, 1_000, 1, replicates=1, rates=1), root) as folder:
            return timed(ablate_command(folder, 1), folder)

    with tempfile.TemporaryDirectory(prefix="bench-") as kept:
        rates = (0.001 + 1e-6 * number for number in range(1_000))  # none is there already

        def again() -> float:
            return until_printed(run_command(Path(kept), root, next(rates)), "test/accuracy")

        again()  # makes the store
        contenders = {
            IMPORTS: lambda: timed([sys.executable, "-c", IMPORTS], Path(kept)),
            FRESH: fresh,
            AGAIN: again,
            SWEEP: sweep,
        }
        seconds = interleave(contenders, rounds, say, warm_up=False)
    return [
        Row(name, Spread.of(taken), ratios(taken, seconds[IMPORTS]))
        for name, taken in seconds.items()
    ]


def run_command(folder: Path, root: Path, lr: float) -> list[str]:
    """Return the command for one epoch of 1,000 images below `folder`."""
    if not (folder / "data").exists():
        (folder / "data").symlink_to(root.resolve() / "data")
    return [
        sys.executable, "-m", "ablate", "run", "data=mnist", "data.train_size=1000",
        "data.validation_size=1000", "model=mlp", "trainer.epochs=1", f"optimizer.lr={lr:.6f}",
        f"paths.root={folder}",
    ]  # fmt: skip


def until_printed(command: list[str], word: str) -> float:
    """Return the seconds until a command prints a line with `word`; await its end, too.

    Raises RuntimeError with its words where it fails, or ends without that line.
    """
    started = time.perf_counter()
    seen = None
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if seen is None and word in line:
                seen = time.perf_counter() - started
    if process.returncode or seen is None:
        said = "".join(lines)
        raise RuntimeError(
            f"{' '.join(command)} ended with {process.returncode}, "
            f"{'with' if seen else 'without'} a line of {word}:\n{said}"
        )
    return seen
