"""Who runs what: a journal for each process that hands out runs, on whatever machine it is.

runs/<study>/.workers/<host>-<process>-<digits>.jsonl
  first line: whose it is; then a line per run that begins or ends

What a journal says is for people and for `ablate.store.claims`; no result depends on it. Its file
is touched as long as its process lives: where that cannot be seen, on another machine, a journal
counts for two minutes by the clock of the file server.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ablate.store.clock import now_at

#: Seconds between two touches, and after how many a journal of another machine is void.
TOUCHED_EVERY = 15.0
VOID_AFTER = 120.0


@dataclass(frozen=True)
class Worker:
    """A process that hands out runs of a study, as its journal tells of it.

    journal  name of the file
    alive    whether it may still be at work; it is not where it has left, or its journal is void
    running  the runs that it has begun and not ended, as paths below `runs/<study>/`
    ended    how many it has ended
    """

    journal: str
    host: str
    process: int
    alive: bool
    running: tuple[str, ...]
    ended: int


@dataclass(frozen=True)
class Journal:
    """The journal of this process: `begun` and `ended` say what it does, `began` since when.

    Nothing of it can fail a run: what cannot be written is not told.
    """

    path: Path
    began: float

    def begun(self, runs: Iterable[str]) -> None:
        """Say that runs, paths below `runs/<study>/`, are trained from now on."""
        self._write({"begun": list(runs)})

    def ended(self, run: str, status: str) -> None:
        """Say that a run is through."""
        self._write({"ended": run, "status": status})

    def _write(self, line: Mapping[str, Any]) -> None:
        with suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@contextmanager
def journal(root: Path, study: str) -> Iterator[Journal]:
    """Keep a journal of this process until the block ends, however it does."""
    folder = _folder(root, study)
    name = f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    ours = Journal(folder / name, now_at(folder))
    me = {"host": _host(), "process": os.getpid(), "machine": _machine(), "since": _since("self")}
    ours._write(me)
    left = threading.Event()
    # A daemon: on a folder that does not answer any more it must not keep the process from ending.
    threading.Thread(target=_touch, args=(ours.path, left), daemon=True).start()
    try:
        yield ours
    finally:
        left.set()
        ours._write({"left": True})


def workers(root: Path, study: str) -> list[Worker]:
    """Return who has a journal of the study, by name; a journal that is damaged is nobody's."""
    folder = _folder(root, study)
    found = [_read(path, folder) for path in sorted(folder.glob("*.jsonl"))]
    return [worker for worker in found if worker is not None]


@dataclass(frozen=True)
class Ended:
    """A run that a worker has ended: its path below `runs/<study>/`, and how."""

    run: str
    status: str


def ended_since(
    root: Path, study: str, places: Mapping[str, int]
) -> tuple[list[Ended], Mapping[str, int]]:
    """Return the runs that have ended since all journals were read up to `places`, and those now.

    places  bytes by name of a journal
    """
    found: list[Ended] = []
    now = dict(places)
    for path in sorted(_folder(root, study).glob("*.jsonl")):
        with suppress(OSError, ValueError, AttributeError), path.open("rb") as file:
            file.seek(places.get(path.name, 0))
            whole = file.read().rpartition(b"\n")[0]
            now[path.name] = places.get(path.name, 0) + len(whole) + bool(whole)
            lines = [json.loads(line) for line in whole.splitlines()]
            found += [Ended(one["ended"], one["status"]) for one in lines if "ended" in one]
    return found, now


def remove_journals(root: Path, study: str) -> None:
    """Remove the journals of those who are not at work any more."""
    for worker in workers(root, study):
        if not worker.alive:
            with suppress(OSError):
                (_folder(root, study) / worker.journal).unlink()


def is_at_work(root: Path, study: str, name: str) -> bool:
    """Tell whether the process with the journal `name` may still be at work."""
    folder = _folder(root, study)
    worker = _read(folder / name, folder)
    return worker is not None and worker.alive


def _folder(root: Path, study: str) -> Path:
    return root / "runs" / study / ".workers"


def _touch(path: Path, left: threading.Event) -> None:
    while not left.wait(TOUCHED_EVERY):
        with suppress(OSError):
            os.utime(path)


def _read(path: Path, folder: Path) -> Worker | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        touched = path.stat().st_mtime
        first, *rest = [json.loads(line) for line in _whole(lines)]
        running: dict[str, None] = {}
        ended = 0
        for line in rest:
            running |= dict.fromkeys(line.get("begun", ()))
            if "ended" in line:
                running.pop(line["ended"], None)
                ended += 1
        left = any("left" in line for line in rest)
        alive = not left and _lives(first, touched, folder)
        runs = tuple(running) if alive else ()
        return Worker(path.name, first["host"], first["process"], alive, runs, ended)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _whole(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines without a last one that is just being written."""
    return lines if not lines or lines[-1].endswith("}") else lines[:-1]


def _lives(owner: Mapping[str, Any], touched: float, folder: Path) -> bool:
    if owner["machine"] == _machine():
        return owner["since"] == _since(str(owner["process"])) and _exists(owner["process"])
    return now_at(folder) - touched < VOID_AFTER


@cache
def _host() -> str:
    return socket.gethostname().partition(".")[0] or "unknown"


@cache
def _machine() -> str:
    """Return what two processes have in common that see each other's numbers.

    A container has numbers of its own on the machine that it shares with others.
    """
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return _host()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _since(process: str) -> str | None:
    """Return when a process of this machine began, in ticks; None where that is not told.

    A number alone may be that of another process by now.
    """
    with suppress(OSError, IndexError):
        # The name before it, in parentheses, may hold spaces.
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    return None
