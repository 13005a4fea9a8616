"""Workers beside each other, one of which has a wrong clock, a full disk, no locks, another mount.

Each is a machine of its own as far as the others can tell: what is common to them is the folder.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from shutil import which

import pytest
from warm import ablate

from waiting import until

sys.path.append(str(Path(__file__).parents[1] / "cluster"))
from gated import SOURCE, ended, gated, journals, numbers_of, start, trained

pytestmark = pytest.mark.long
DONE = "all 12 runs are in the ledger"
#: What puts a command where process numbers are its own, as on another machine.
APART = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
#: Python reads such code as it starts, in every process of a worker.
SHIFTED = """\
import datetime, time
time_, time_ns = time.time, time.time_ns
time.time = lambda: time_() + {seconds}
time.time_ns = lambda: time_ns() + {seconds} * 10**9
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
real, datetime.datetime = datetime.datetime, Shifted
Shifted.fromtimestamp = real.fromtimestamp
"""
#: Entries have no room, and with what follows nothing at all below `runs` has any.
FULL = """\
import errno, io, os, pathlib
real, write = io.open, pathlib.Path.write_bytes
def refuse(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
def write_bytes(self, content):
    return refuse(self) if ".staged" in str(self) else write(self, content)
pathlib.Path.write_bytes = write_bytes
"""
NOTHING = """\
def open(file, mode="r", *rest, **named):
    full = "/runs/" in str(file) and not set(mode).isdisjoint("wax")
    return refuse(file) if full else real(file, mode, *rest, **named)
io.open = open
"""
NO_LOCKS = """\
import fcntl, os
def refuse(*_):
    raise OSError({number}, os.strerror({number}))
fcntl.flock = fcntl.lockf = refuse
"""


@cache
def _may_be_apart() -> bool:
    tried = subprocess.run([*APART, "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture
def apart() -> list[str]:
    """Return what makes a command one of another machine, for others that work on the study."""
    if which("unshare") is None or not _may_be_apart():
        pytest.skip("needs unshare, and the right to make a name space of processes")
    return APART


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the pool has trained the study."""
    folder = tmp_path_factory.mktemp("calm")
    gated(folder, is_open=True)
    ended(start(folder, "sweep", "study=mine.yaml"))
    return folder


def declare(folder: Path) -> None:
    done = ablate("sweep", "study=mine.yaml", "--declare", cwd=folder)
    assert done.returncode == 0, done.stderr


def as_it_starts(folder: Path, code: str) -> dict[str, str]:
    """Return the environment in which every process of Python runs `code` before all else."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(SOURCE)])}


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def worker(apart: list[str]) -> Iterator[Start]:
    """Return what starts a worker in a folder, as on a machine of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(folder: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        words = ("work", "mine", "launch.workers=1")
        started.append(start(folder, *words, environment=environment, within=apart))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def begun(folder: Path) -> int:
    return journals(folder).count('"begun"')


def pages(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "reports" / "mine").iterdir()}


def check_as_calm(folder: Path, calm: Path) -> None:
    """Assert that numbers and report are those of the pool, to the byte, and nothing is left."""
    assert numbers_of(folder) == numbers_of(calm)
    assert list(folder.glob("runs/mine/.claims/*")) == []
    assert list(folder.glob("runs/mine/*/.*.staged")) == []
    made = ablate("report", "mine", cwd=folder)
    assert made.returncode == 0, made.stderr
    assert pages(folder) == pages(calm)


def side_by_side(begin: Sequence[Callable[[], subprocess.Popen[str]]], root: Path) -> None:
    """Assert that workers, each of which begins a run before any ends, train each run once."""
    processes = []
    for number, one in enumerate(begin, 1):
        processes.append(one())
        until(lambda number=number: begun(root) == number, "a run of this worker")
    (root / "gate").touch()
    for process in processes:
        assert DONE in ended(process)
    assert trained(root) == 12


def clocks(folder: Path) -> list[dict[str, str]]:
    """Return environments in which it is now, ten minutes later, and ten minutes earlier."""
    shifted = [
        as_it_starts(folder / f"clock{seconds}", SHIFTED.format(seconds=seconds))
        for seconds in (600, -600)
    ]
    return [{}, *shifted]


def test_clocks_twenty_minutes_apart_lose_nothing_and_train_nothing_twice(
    calm: Path, tmp_path: Path, worker: Start
) -> None:
    gated(tmp_path)
    declare(tmp_path)
    side_by_side([partial(worker, tmp_path, clock) for clock in clocks(tmp_path)], tmp_path)
    check_as_calm(tmp_path, calm)


def test_a_run_that_fails_is_tried_once_whatever_the_clocks_say(
    calm: Path, tmp_path: Path, worker: Start
) -> None:
    """And again by whoever comes later, as by a clock that is right."""
    gate = gated(tmp_path)
    (broken := tmp_path / "broken").touch()
    declare(tmp_path)
    processes = []
    for number, clock in enumerate(clocks(tmp_path), 1):
        processes.append(worker(tmp_path, clock))
        until(lambda number=number: begun(tmp_path) == number, "a run of this worker")
    gate.touch()
    for process in processes:
        assert "12 runs failed" in ended(process, code=1)
    assert trained(tmp_path) == 12
    broken.unlink()
    assert DONE in ended(worker(tmp_path))
    check_as_calm(tmp_path, calm)


def test_a_full_disk_of_one_ends_it_in_a_sentence_and_the_other_trains_all(
    calm: Path, tmp_path: Path, worker: Start
) -> None:
    gate = gated(tmp_path)
    declare(tmp_path)
    full = worker(tmp_path, as_it_starts(tmp_path / "full", FULL))
    until(lambda: begun(tmp_path) == 1, "a run of the worker whose disk is full")
    other = worker(tmp_path)
    until(lambda: begun(tmp_path) == 2, "a run of the other")
    gate.touch()
    check_says_full(ended(full, code=1))
    assert DONE in ended(other)
    assert trained(tmp_path) == 12
    check_as_calm(tmp_path, calm)


def test_a_worker_that_can_write_nothing_at_all_says_so_and_leaves_nothing(
    calm: Path, tmp_path: Path, worker: Start
) -> None:
    gated(tmp_path, is_open=True)
    declare(tmp_path)
    full = worker(tmp_path, as_it_starts(tmp_path / "full", FULL + NOTHING))
    check_says_full(ended(full, code=1))
    assert numbers_of(tmp_path) == {}
    assert DONE in ended(worker(tmp_path))
    check_as_calm(tmp_path, calm)


def check_says_full(output: str) -> None:
    assert output.count("No space left on device") == 1, output
    assert "Traceback" not in output


def test_a_folder_without_locks_needs_none(calm: Path, tmp_path: Path, worker: Start) -> None:
    """One machine has no such call, the other no server for it."""
    gated(tmp_path)
    without = [
        as_it_starts(tmp_path / f"code{number}", NO_LOCKS.format(number=number))
        for number in (errno.ENOSYS, errno.ENOLCK)
    ]
    declared = ("sweep", "study=mine.yaml", "--declare")
    assert "declared" in ended(start(tmp_path, *declared, environment=without[0]))
    side_by_side([partial(worker, tmp_path, environment) for environment in without], tmp_path)
    check_as_calm(tmp_path, calm)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[list[Path]]:
    """Yield two folders beside `tmp_path / real`, each the same through a mount of its own.

    Through bindfs what one sees of the other's files is as old as a network disk may have it;
    where there is none, the kernel's own mounts show the same at once.
    """
    (tmp_path / "real").mkdir()
    folders = [tmp_path / "here", tmp_path / "there"]
    command = ["bindfs"] if which("bindfs") and Path("/dev/fuse").exists() else ["mount", "--bind"]
    mounted: list[Path] = []
    try:
        for folder in folders:
            folder.mkdir()
            done = subprocess.run(
                [*command, tmp_path / "real", folder], capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
            mounted.append(folder)
        yield folders
    finally:
        for folder in mounted:
            subprocess.run(["umount", folder], check=True)


def test_one_folder_seen_through_two_mounts_is_one(
    calm: Path, tmp_path: Path, seen: list[Path], worker: Start
) -> None:
    real = tmp_path / "real"
    gated(real)
    declare(real)
    side_by_side([partial(worker, folder) for folder in seen], real)
    check_as_calm(real, calm)
