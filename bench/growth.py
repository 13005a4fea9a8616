"""How a sweep grows: with its runs, and with its workers."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from ablate.store.reader import read_times
from ablate.store.result import read_result

from .limit import limit
from .networks import THIN
from .sweeps import Case, ablate_command, sweep_folder
from .timing import Spread, interleave, ratios


@dataclass(frozen=True)
class Growth:
    """A sweep, and what it took beside training.

    seconds  from the command to the last file
    around   the part of the workers' time that no run was training in
    memory   MiB, the peak of all processes, shared pages by share
    """

    case: Case
    seconds: float
    around: float
    memory: float

    @property
    def runs(self) -> int:
        """Trainings of the sweep."""
        return self.case.runs

    @property
    def title(self) -> str:
        """What the tables call it."""
        case = self.case
        factors = f"{case.rates} × {case.betas}" if case.betas > 1 else f"{case.rates}"
        return f"{factors} × {case.replicates}, {case.train_size:,} images"

    @property
    def around_per_run(self) -> float:
        """Seconds beside training, per run, of the whole command."""
        return self.around * self.seconds / self.runs


@dataclass(frozen=True)
class Workers:
    """Two workers against one.

    speed      of the training phase
    products   the same ratio for matrix products alone: what the machine's cores allow
    memory     MiB that the second worker adds to the peak of all processes, shared pages by share
    """

    speed: Spread
    products: Spread
    memory: Spread


def growth_cases(sizes: list[int], whole: bool) -> list[Case]:
    """Return sweeps of 5,000 images in 1, 10, ... runs, and of 48 runs cut in three ways.

    whole   and 100 runs over all of MNIST
    """
    cases = [Case(THIN, 5_000, 1, *_shape(runs)) for runs in sizes]
    if whole:
        # As many runs: many replicates, many levels, one factor or two.
        cases += [Case(THIN, 5_000, 1, 48, 1), Case(THIN, 5_000, 1, 8, 6)]
        cases.append(Case(THIN, 5_000, 1, 8, 3, betas=2))
        cases.append(Case(THIN, 55_000, 1, *_shape(100)))
    return cases


def measure_growth(
    cases: list[Case], root: Path, workers: int, say: Callable[[str], None]
) -> list[Growth]:
    """Sweep each case once."""
    found = []
    for case in cases:
        with sweep_folder(case, root) as folder:
            seconds, memory = watched(ablate_command(folder, workers), folder)
            results = map(read_result, _entries(folder))
            training = sum(result.seconds or 0 for result in results if result is not None)
        found.append(Growth(case, seconds, 1 - training / (workers * seconds), memory))
        say(found[-1].title)
    return found


def measure_workers(case: Case, root: Path, rounds: int, say: Callable[[str], None]) -> Workers:
    """Train the same sweep with one worker and with two, in turn; likewise the products alone."""
    peaks: dict[int, list[float]] = {1: [], 2: []}

    def ours(workers: int) -> Callable[[], float]:
        def contender() -> float:
            with sweep_folder(case, root) as folder:
                peaks[workers].append(watched(ablate_command(folder, workers), folder)[1])
                files = (entry / "result.json" for entry in _entries(folder))
                ended = max(file.stat().st_mtime for file in files)
                return ended - _first_start(folder)

        return contender

    contenders = {f"{workers} workers": ours(workers) for workers in (1, 2)}
    for workers in (1, 2):
        contenders[f"{workers} products"] = lambda n=workers: limit(case.net, case.steps, n)  # type: ignore[misc]
    seconds = interleave(contenders, rounds, say, warm_up=False)
    return Workers(
        speed=ratios(seconds["1 workers"], seconds["2 workers"]),
        products=ratios(seconds["1 products"], seconds["2 products"]),
        memory=Spread.of([two - one for one, two in zip(peaks[1], peaks[2], strict=True)]),
    )


def _shape(runs: int) -> tuple[int, int]:
    """Return how many learning rates and replicates make so many runs."""
    rates = max(1, runs // 10)
    return runs // rates, rates


def _first_start(folder: Path) -> float:
    """Return when the first run began, in seconds of the system's clock."""
    results = ((entry, read_result(entry)) for entry in _entries(folder))
    moments = (read_times(entry, result)[0] for entry, result in results if result)
    return min(datetime.fromisoformat(moment).timestamp() for moment in moments if moment)


def _entries(folder: Path) -> list[Path]:
    """Return the ledger's entries of all runs below a folder."""
    return [file.parent for file in folder.glob("runs/*/*/*/result.json")]


def watched(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its seconds, and the most that it and its children held, in MiB.

    Pages that several processes share count in parts (PSS): what another worker adds is what it
    has for itself. Raises RuntimeError where the command fails.
    """
    started = time.perf_counter()
    process = psutil.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0.0
    while True:
        with contextlib.suppress(psutil.TimeoutExpired):
            ended = process.wait(timeout=0.25)
            break
        held = 0
        for one in [process, *_children(process)]:
            with contextlib.suppress(psutil.Error):
                held += one.memory_full_info().pss
        peak = max(peak, held / 2**20)
    if ended:
        raise RuntimeError(f"{' '.join(command)} ended with {ended}")
    return time.perf_counter() - started, peak


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return found
