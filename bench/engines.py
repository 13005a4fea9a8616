"""What each engine costs: one study by all ways beyond one machine, on this machine.

Synopsis, from the root of the repository, with `pip install -c constraints.txt -e '.[ray,dask]'`,
SLURM from the system (`apt-get install slurm-wlm munge`, as root), and nothing else at work::

    python -m bench.engines --rounds 3

Each way has two processes that train. A way whose engine is missing is left out, with a line that
says so. The numbers of all ways must be the same to the bit; else nothing is printed but that.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from ablate.store.compared import compared_bytes
from ablate.store.reader import read_times
from ablate.store.result import read_result

from .timing import Spread, interleave

_ROOT = Path(__file__).parents[1]
sys.path += [str(_ROOT / "tests"), str(_ROOT / "tests" / "cluster")]  # a SLURM of one node

#: 48 runs of some hundred milliseconds, each a job of its own.
TRAINED = """\
question: What does an engine cost?
baseline:
  data: synthetic
  data.train_examples: 2000
  model.depth: 3
  model.width: 64
  trainer.epochs: 6
  trainer.stack: "off"
factors:
  width: {key: model.width, levels: [32, 64, 96]}
  lr: {key: optimizer.lr, levels: [0.01, 0.1]}
replicates: 8
report: [table]
"""
#: 100 runs that take nothing.
EMPTY = """\
question: What does an engine cost?
baseline: {data: synthetic, trainer: {_target_: own.fit}}
factors: {level: {key: trainer.level, levels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}
replicates: 10
report: [table]
"""
CODE = """\
def fit(config, data, streams, level=0):
    return {"test/accuracy": streams.numpy("init", "x").uniform() / (1 + level)}
"""
RUNS = {TRAINED: 48, EMPTY: 100}
SWEEP = ("sweep", "study=mine.yaml")
WORK = ("work", "mine", "launch.workers=1")
POOL = "the pool: `launch.workers=2`"
#: Trains the study of a folder, from the first command to the report.
Way = Callable[[Path], None]
Numbers = dict[str, dict[str, bytes]]


def start(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    reach = {"PYTHONPATH": str(_ROOT / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "ablate", *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, **reach, **(environment or {})},
    )  # fmt: skip


def through(*processes: subprocess.Popen[str]) -> None:
    """Wait for commands; raises RuntimeError with the words of one that fails."""
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"a command ended with {process.returncode}:\n{output}")


def sweep(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> None:
    through(start(folder, *SWEEP, *words, environment=environment))


def two_workers(folder: Path) -> None:
    sweep(folder, "--declare")
    through(*(start(folder, *WORK, "--shard", f"{k}/2") for k in range(2)))
    sweep(folder)


def two_parts(folder: Path) -> None:
    second = folder / "second"
    second.mkdir()
    for name in ("mine.yaml", "own.py"):
        shutil.copy(folder / name, second)
    roots = (folder, second)
    through(*(start(root, *SWEEP, "--declare") for root in roots))
    through(*(start(root, *WORK, "--part", f"{k}/2") for k, root in enumerate(roots)))
    through(start(folder, "merge", "second"))
    sweep(folder)


@contextmanager
def slurm_ways(place: Path) -> Iterator[dict[str, Way]]:
    from servers import free_port
    from slurm_cluster import Slurm, missing_program

    absent = missing_program() or (None if os.geteuid() == 0 else "root")
    if absent:
        print(f"SLURM is left out: there is no {absent}", file=sys.stderr)
        yield {}
        return
    (folder := place / "slurm").mkdir()
    cluster = Slurm(folder, (free_port(), free_port()))
    try:
        cluster.start()
        words = ("launch=slurm", "launch.workers=2")
        by_array = partial(_sweep_by, words=words, environment=cluster.environment)
        yield {"SLURM, an array of two": by_array}
    finally:
        cluster.stop()


@contextmanager
def ray_ways(place: Path) -> Iterator[dict[str, Way]]:
    if importlib.util.find_spec("ray") is None:
        print("Ray is left out: it is not installed", file=sys.stderr)
        yield {}
        return
    yield {
        f"Ray, `launch.shares={shares}`": partial(
            _sweep_by, words=("launch=ray", "launch.workers=2", f"launch.shares={shares}")
        )
        for shares in ("true", "false")
    }


@contextmanager
def dask_ways(place: Path) -> Iterator[dict[str, Way]]:
    if importlib.util.find_spec("distributed") is None:
        print("Dask is left out: it is not installed", file=sys.stderr)
        yield {}
        return
    from servers import answers, free_port

    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    common = ["--host=127.0.0.1", "--no-dashboard"]
    commands = [["scheduler", f"--port={port}"], *2 * [["worker", address, "--nthreads=1"]]]
    reach = {"PYTHONPATH": str(_ROOT / "src"), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    (folder := place / "dask").mkdir()
    processes = []
    try:
        for words in commands:
            processes.append(subprocess.Popen(
                [sys.executable, "-m", "dask", *words, *common], cwd=folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **reach},
            ))  # fmt: skip
            while not answers(port):
                time.sleep(0.1)
        lab = f"from distributed import Client\n\n\ndef client():\n    return Client('{address}')\n"
        words = ("launch=futures", "launch.client=lab.client", "launch.workers=2")
        yield {"Dask, two workers": partial(_sweep_by, words=words, lab=lab)}
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def _sweep_by(
    folder: Path, words: tuple[str, ...], environment: Mapping[str, str] | None = None,
    lab: str = "",
) -> None:  # fmt: skip
    (folder / "lab.py").write_text(lab)
    sweep(folder, *words, environment=environment)


@contextmanager
def trained(way: Way, study: str) -> Iterator[tuple[Path, float]]:
    """Yield a folder in which a way has trained a study, and the seconds that it took."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        (folder / "mine.yaml").write_text(study)
        (folder / "own.py").write_text(CODE)
        started = time.perf_counter()
        way(folder)
        taken = time.perf_counter() - started
        if not (folder / "reports" / "mine" / "README.md").exists():
            raise RuntimeError("a way has made no report")
        yield folder, taken


def entries(folder: Path) -> dict[str, Path]:
    found = sorted(folder.glob("runs/mine/*/[0-9]*/result.json"))
    return {"/".join(path.parts[-3:-1]): path.parent for path in found}


def seconds_of(way: Way, seen: list[Numbers]) -> float:
    """Return the seconds of the study that trains; `seen` takes its numbers."""
    with trained(way, TRAINED) as (folder, taken):
        seen.append({run: compared_bytes(path) for run, path in entries(folder).items()})
    return taken


def milliseconds_a_run(way: Way, seen: list[Numbers]) -> float:
    """Return the time from the first begin of a run to the last, by the runs between.

    The start of commands and the report are not in it. `seen` takes the numbers.
    """
    with trained(way, EMPTY) as (folder, _):
        there = entries(folder)
        seen.append({run: compared_bytes(path) for run, path in there.items()})
        begun = list(map(begun_at, there.values()))
    return 1000 * (max(begun) - min(begun)).total_seconds() / (len(begun) - 1)


def begun_at(entry: Path) -> datetime:
    result = read_result(entry)
    assert result is not None
    began = read_times(entry, result)[0]
    assert began is not None
    return datetime.fromisoformat(began)


def check(name: str, seen: list[Numbers], runs: int) -> None:
    """Raise RuntimeError unless all have the same numbers, of all runs."""
    if any(numbers != seen[0] or len(numbers) != runs for numbers in seen):
        raise RuntimeError(f"not all ways have the same numbers: {name}")


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    rounds = parser.parse_args().rounds
    ways: dict[str, Way] = {
        POOL: partial(_sweep_by, words=("launch.workers=2",)),
        "`ablate work` twice, one folder": two_workers,
        "`--part` of two, two folders, `ablate merge`": two_parts,
    }

    def say(what: str) -> None:
        print(what, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as place, ExitStack() as stack:
        for of_engine in (slurm_ways, ray_ways, dask_ways):
            ways |= stack.enter_context(of_engine(Path(place)))
        found = []
        for measure, study in ((seconds_of, TRAINED), (milliseconds_a_run, EMPTY)):
            seen: list[Numbers] = []
            contenders = {name: partial(measure, way, seen) for name, way in ways.items()}
            found.append(interleave(contenders, rounds, say, warm_up=False))
            check(measure.__name__, seen, RUNS[study])
    runs = RUNS[TRAINED]
    print("| | seconds | over the pool's | that by run, ms | a run that takes nothing, ms |")
    print("|---|---:|---:|---:|---:|")
    for name in ways:
        more = Spread.of([a - b for a, b in zip(found[0][name], found[0][POOL], strict=True)])
        taken, between = Spread.of(found[0][name]), Spread.of(found[1][name])
        beyond = ["", ""] if name == POOL else [
            f"{more.median:+.1f}", f"{1000 * more.median / runs:+.0f}",
        ]  # fmt: skip
        cells = [name, f"{taken.median:.1f}", *beyond, f"{between.median:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
