"""Whole sweeps, from the command to the last file, here and with the loops of `bench.peers`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .limit import limit
from .networks import BATCH, Net
from .sweep_settings import levels
from .timing import Spread, interleave, ratios

OURS = "ablate"
PEERS = {
    "lightning": "Lightning, DataLoader over tensors",
    "plain": "plain loop, DataLoader, per-sample transforms",
    "by_hand": "plain loop by hand, tensors in memory",
}
JAX = "JAX, vmap of grad, scan under jit"
LIMIT = "the matrix products alone"


@dataclass(frozen=True)
class Case:
    """A sweep over learning rates.

    train_size, validation, test   examples
    peers     who takes part beside ablate and JAX, names of `PEERS`
    betas     levels of a second factor, of ablate alone
    peer_replicates   where the peers train fewer: they take the same time for each run
    fresh             each run of a peer in a process of its own, as a shell loop or a scheduler
                      starts it; else two processes of joblib train all of them
    """

    net: Net
    train_size: int
    epochs: int
    replicates: int = 8
    rates: int = 3
    peer_replicates: int = 8
    fresh: bool = False
    validation: int = 5_000
    test: int = 10_000
    peers: tuple[str, ...] = tuple(PEERS)
    betas: int = 1

    @property
    def has_jax(self) -> bool:
        """Tell whether JAX takes part.

        Stacked convolutions are grouped ones, slow on a CPU; a process per run is no stack.
        """
        return not self.net.images and not self.fresh

    @property
    def runs(self) -> int:
        """Trainings of the sweep."""
        return self.rates * self.betas * self.replicates

    @property
    def peer_runs(self) -> int:
        """Trainings of a peer's sweep."""
        return self.rates * self.peer_replicates

    @property
    def steps(self) -> int:
        """Training steps of the whole sweep."""
        return self.runs * self.epochs * -(-self.train_size // BATCH)


@dataclass(frozen=True)
class Row:
    """One way to do the sweep.

    seconds   of the whole sweep of `runs` runs
    ratio     its seconds per run over those of ablate, round by round
    """

    name: str
    runs: int
    seconds: Spread
    ratio: Spread


def measure(
    case: Case, root: Path, rounds: int, workers: int, say: Callable[[str], None]
) -> list[Row]:
    """Time all contenders in turn."""

    def ours() -> float:
        with sweep_folder(case, root) as folder:
            return timed(ablate_command(folder, workers), folder)

    def peer(module: str, *arguments: str) -> Callable[[], float]:
        def contender() -> float:
            from .peers import write_images

            with tempfile.TemporaryDirectory(prefix="bench-") as place:
                folder = Path(place)
                sizes = (case.train_size, case.validation, case.test)
                write_images(case.net, sizes, folder, root)
                return timed(
                    [sys.executable, "-m", f"bench.{module}", case.net.name, *arguments, "--folder",
                     place, "--epochs", str(case.epochs), "--rates", str(case.rates),
                     "--seeds", str(case.peer_replicates), "--workers", str(workers),
                     *(["--fresh"] if case.fresh else [])],
                    Path.cwd(),
                )  # fmt: skip

        return contender

    contenders = {
        OURS: ours,
        **{
            title: peer("peer_sweep", "--peer", name)
            for name, title in PEERS.items()
            if name in case.peers
        },
    }
    if case.has_jax:
        contenders[JAX] = peer("jax_sweep")
    contenders[LIMIT] = lambda: limit(case.net, case.steps, workers)
    seconds = interleave(contenders, rounds, say, warm_up=False)
    fewer = {*PEERS.values(), JAX}
    runs = {name: case.peer_runs if name in fewer else case.runs for name in seconds}
    per_run = {name: [s / runs[name] for s in taken] for name, taken in seconds.items()}
    return [
        Row(name, runs[name], Spread.of(taken), ratios(per_run[name], per_run[OURS]))
        for name, taken in seconds.items()
    ]


@contextmanager
def sweep_folder(case: Case, root: Path) -> Iterator[Path]:
    """Yield a fresh folder with the study in it, and decoded images where ablate keeps them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        (folder / "study.yaml").write_text(yaml.safe_dump(study(case), sort_keys=False))
        (folder / "data").symlink_to(root.resolve() / "data")
        yield folder


def study(case: Case) -> dict[str, Any]:
    """Return the study file of a sweep: the probe as always, a table and two figures."""
    model = {f"model.{key}": value for key, value in case.net.model.items() if key != "name"}
    factors = {"lr": {"key": "optimizer.lr", "levels": levels(case.rates)}}
    if case.betas > 1:
        betas = [round(0.9 + 0.01 * number, 2) for number in range(case.betas)]
        factors["beta"] = {"key": "optimizer.beta1", "levels": betas}
    return {
        "question": "Which learning rate?",
        "baseline": {
            "data": case.net.dataset,
            "data.train_size": case.train_size,
            "data.validation_size": case.validation,
            "data.test_size": case.test,
            "model": case.net.model["name"],
            **model,
            "init": "uniform",  # as torch.nn.Linear and Conv2d
            "optimizer": "adam",
            "schedule": "constant",
            "trainer.epochs": case.epochs,
            "trainer.batch_size": BATCH,
        },
        "factors": factors,
        "replicates": case.replicates,
        "report": [{"table": {"rows": "lr"}}, "learning_curves", {"factor_response": {"x": "lr"}}],
    }


def ablate_command(folder: Path, workers: int) -> list[str]:
    """Return the command that a user would type."""
    return [
        sys.executable, "-m", "ablate", "sweep", f"study={folder}/study.yaml",
        f"paths.root={folder}", f"launch.workers={workers}",
    ]  # fmt: skip


def timed(command: list[str], where: Path) -> float:
    """Return the seconds that a command takes; raises RuntimeError with its words if it fails."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return taken
