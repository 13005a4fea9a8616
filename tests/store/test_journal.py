"""Journals and claims: who runs what, on this machine and on others whose clock is another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ablate.store.claims import claim, release
from ablate.store.clock import now_at
from ablate.store.journal import VOID_AFTER, journal, remove_journals, workers

ELSEWHERE = {"host": "node7", "process": 41, "machine": "another", "since": "5"}
#: Works on a study until it is killed.
WORKER = """
import sys, time
from pathlib import Path
from ablate.store.claims import claim
from ablate.store.journal import journal
root = Path(sys.argv[1])
with journal(root, "s") as ours:
    ours.begun(["a/0"])
    assert claim(root, "s", ["key"], ours)
    print("begun", flush=True)
    time.sleep(600)
"""


def elsewhere(root: Path, age: float, *lines: object) -> str:
    """Write the journal of a process on another machine that last touched it `age` seconds ago."""
    folder = root / "runs" / "s" / ".workers"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"node7-41-{len(lines)}.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (ELSEWHERE, *lines)))
    moment = now_at(folder) - age
    os.utime(path, (moment, moment))
    return path.name


def test_a_journal_tells_what_is_begun_until_its_process_leaves(tmp_path: Path) -> None:
    with journal(tmp_path, "s") as ours:
        ours.begun(["a/0", "a/1"])
        ours.ended("a/0", "done")
        (worker,) = workers(tmp_path, "s")
        assert (worker.process, worker.alive) == (os.getpid(), True)
        assert (worker.running, worker.ended) == (("a/1",), 1)
        remove_journals(tmp_path, "s")
        assert len(workers(tmp_path, "s")) == 1  # of the living it stays
    (worker,) = workers(tmp_path, "s")
    assert (worker.alive, worker.running, worker.ended) == (False, (), 1)
    remove_journals(tmp_path, "s")
    assert workers(tmp_path, "s") == []


@pytest.mark.parametrize(("age", "alive"), [(0, True), (VOID_AFTER - 5, True), (130, False)])
def test_of_another_machine_the_file_servers_clock_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, alive: bool
) -> None:
    """Ours may go wrong by minutes: it is not asked."""
    elsewhere(tmp_path, age, {"begun": ["a/0"]})
    real = time.time
    for wrong in (0, 600, -600):
        monkeypatch.setattr("time.time", lambda wrong=wrong: real() + wrong)
        (worker,) = workers(tmp_path, "s")
        assert (worker.host, worker.alive) == ("node7", alive)
        assert worker.running == (("a/0",) if alive else ())


def test_a_worker_of_another_machine_that_has_left_is_gone_at_once(tmp_path: Path) -> None:
    elsewhere(tmp_path, 0, {"begun": ["a/0"]}, {"left": True})
    assert not workers(tmp_path, "s")[0].alive


@pytest.mark.parametrize("text", ["", "{", "[]", "7\n", '{"host": 1}\n', "\x00\xff", "null\n{}\n"])
def test_a_damaged_journal_is_nobodys(tmp_path: Path, text: str) -> None:
    name = elsewhere(tmp_path, 0)
    (tmp_path / "runs" / "s" / ".workers" / name).write_text(text, encoding="latin-1")
    assert workers(tmp_path, "s") == []


def test_the_last_line_may_be_half_written(tmp_path: Path) -> None:
    name = elsewhere(tmp_path, 0, {"begun": ["a/0"]})
    with (tmp_path / "runs" / "s" / ".workers" / name).open("a") as file:
        file.write('{"ended": "a/')
    assert workers(tmp_path, "s")[0].running == ("a/0",)


def test_the_claims_of_a_killed_process_are_void_at_once(tmp_path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process,
        journal(tmp_path, "s") as ours,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert not claim(tmp_path, "s", ["key"], ours)
        process.kill()
        process.wait()
        assert claim(tmp_path, "s", ["key"], ours)
    assert [worker.alive for worker in workers(tmp_path, "s")] == [False, False]


def test_all_runs_of_a_job_are_claimed_or_none(tmp_path: Path) -> None:
    with journal(tmp_path, "s") as ours, journal(tmp_path, "s") as theirs:
        assert claim(tmp_path, "s", ["b"], theirs)
        assert not claim(tmp_path, "s", ["a", "b", "c"], ours)
        assert claim(tmp_path, "s", ["a", "c"], theirs)
        release(tmp_path, "s", ["b", "never"])
        assert claim(tmp_path, "s", ["b"], ours)


@pytest.mark.parametrize(("age", "ours_now"), [(10, False), (130, True)])
def test_a_claim_of_another_machine_is_void_with_its_journal(
    tmp_path: Path, age: float, ours_now: bool
) -> None:
    name = elsewhere(tmp_path, age)
    with journal(tmp_path, "s") as ours:
        folder = tmp_path / "runs" / "s" / ".claims"
        folder.mkdir()
        (folder / "key").write_text(name)
        assert claim(tmp_path, "s", ["key"], ours) == ours_now
        (folder / "unsaid").touch()  # its owner was about to say whose it is
        moment = now_at(folder) - age
        os.utime(folder / "unsaid", (moment, moment))
        assert claim(tmp_path, "s", ["unsaid"], ours) == ours_now


def test_of_many_that_claim_a_run_one_has_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool, journal(tmp_path, "s") as first:
        start = threading.Barrier(8)

        def one(_: int) -> int:
            with journal(tmp_path, "s") as own:
                start.wait()
                got = sum(claim(tmp_path, "s", [f"key{n}"], own) for n in range(50))
                start.wait()
                return got

        assert sum(pool.map(one, range(8))) == 50
        assert claim(tmp_path, "s", ["key0"], first)  # its owner has left


def test_where_nothing_can_be_written_runs_go_on(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    with journal(tmp_path, "s") as ours:
        ours.begun(["a/0"])
        ours.ended("a/0", "done")
        assert claim(tmp_path, "s", ["key"], ours)
        release(tmp_path, "s", ["key"])
    assert workers(tmp_path, "s") == []
