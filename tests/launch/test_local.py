"""Executors: the pool of this machine, and one of ten lines to hold the suite against."""

import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest
from executor_suite import (
    ENDLESS,
    IMPOSSIBLE,
    TINY,
    ExecutorSuite,
    KilledSuite,
    ended,
    job,
    result_of,
)

from ablate import data
from ablate.cli import main
from ablate.config import Local
from ablate.errors import ConfigError
from ablate.launch.execute import DiskFullError, execute, failed
from ablate.launch.executor import Executor, executor_of, refuse_launchers
from ablate.launch.job import Event, Job
from ablate.launch.local import LocalExecutor
from ablate.launch.processor import flags, has
from waiting import until
from whole_run import read_run


class InProcess:
    """Trains in the caller's own process: no pipe, no fork, and no way to end a run that hangs."""

    size = 1

    def __init__(self) -> None:
        self.loaded: dict[str, data.Data] = {}

    def run(self, jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Event]:
        for one in jobs:
            yield from execute(one, self.loaded)

    def close(self) -> None:
        self.loaded.clear()


class TestInProcess(ExecutorSuite):
    @pytest.fixture
    def executor(self) -> Executor:
        return InProcess()


@pytest.fixture
def executor() -> Iterator[Executor]:
    local = executor_of(Local(workers=1), "cpu")
    yield local
    local.close()


class TestLocal(KilledSuite):
    @pytest.fixture
    def executor(self, executor: Executor) -> Executor:
        return executor

    def kill(self) -> None:
        for child in multiprocessing.active_children():
            child.kill()


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()


def test_each_worker_has_a_gpu_of_its_own_and_a_fresh_one_that_of_the_dead(tmp_path: Path) -> None:
    """Which one a process sees is said by a variable, with a GPU or without."""
    seen = {**TINY, "trainer": {"_target_": "mylab.train.gpu_seen"}}
    pool = LocalExecutor(2, ["3", "5"])

    def numbers(name: str) -> list[float]:
        jobs = [job(tmp_path, f"{name}{n}", seen) for n in range(4)]
        ran = list(pool.run(jobs))
        assert {event.status for event in ran if event.task} == {"done"}
        return [result_of(one.tasks[0].directory).metrics["number"] for one in jobs]

    assert {*numbers("a")} == {3, 5}
    for child in multiprocessing.active_children():
        child.kill()
    list(pool.run([job(tmp_path, f"lost{n}", seen) for n in range(2)]))
    assert {*numbers("b")} == {3, 5}
    pool.close()


@pytest.mark.skipif(flags() is None, reason="this machine has no x86 processor, or hides its flags")
def test_a_run_is_pinned_to_vector_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the processor has and the surroundings say; and it is told, with the run."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    pinned = {**TINY, "trainer": {**TINY["trainer"], "cpu_capability": "avx2"}}
    capability, losses = {}, {}
    for name, config in {"free": TINY, "pinned": pinned}.items():
        pool = LocalExecutor(1)
        assert ended(list(pool.run([job(tmp_path, name, config)]))) == {(name, 0): "done"}
        pool.close()
        run = read_run(tmp_path / name / "0")
        capability[name] = run.result.provenance["cpu_capability"]
        losses[name] = run.losses
    assert capability == {"free": "DEFAULT", "pinned": "AVX2"}
    assert (losses["free"] != losses["pinned"]).any()
    np.testing.assert_allclose(losses["free"], losses["pinned"], rtol=1e-4)  # fp32, 80 steps


def test_instructions_that_the_processor_lacks_end_the_sweep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lacked = next((name for name in ("avx512", "avx2") if not has(name)), None)
    if lacked is None:
        pytest.skip("this processor has all of them")
    asked = {**TINY, "trainer": {**TINY["trainer"], "cpu_capability": lacked}}
    pool = LocalExecutor(1)
    with pytest.raises(ConfigError, match=f"trainer.cpu_capability={lacked} is not possible"):
        list(pool.run([job(tmp_path, "a", asked)]))
    pool.close()


def test_ctrl_c_is_the_parents_to_answer(executor: Executor, tmp_path: Path) -> None:
    """A terminal sends it to all processes: workers go on until they are closed."""
    events = []
    for event in executor.run([job(tmp_path, "a")]):
        events.append(event)
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGINT)
    assert ended(events) == {("a", 0): "done"}


def test_two_workers_share_the_jobs(tmp_path: Path) -> None:
    """The second job ends while the first has no end."""
    pool = LocalExecutor(2)
    for event in pool.run([job(tmp_path, "endless", ENDLESS), job(tmp_path, "good")]):
        if event.task is not None:
            assert (event.job.name, event.status) == ("good", "done")
            break
    pool.close()


def test_a_pool_keeps_its_workers_from_one_list_to_the_next(
    executor: Executor, tmp_path: Path
) -> None:
    assert ended(list(executor.run([job(tmp_path, "a")]))) == {("a", 0): "done"}
    before = {child.pid for child in multiprocessing.active_children()}
    assert ended(list(executor.run([job(tmp_path, "b")]))) == {("b", 0): "done"}
    assert {child.pid for child in multiprocessing.active_children()} == before
    executor.close()
    assert not before & {child.pid for child in multiprocessing.active_children()}


def test_a_pool_that_gets_nothing_to_do_starts_no_worker(executor: Executor) -> None:
    before = multiprocessing.active_children()
    assert list(executor.run([])) == []
    assert multiprocessing.active_children() == before


def test_workers_are_forked_from_a_process_that_has_made_the_imports(
    executor: Executor, tmp_path: Path
) -> None:
    """The second worker has torch at once; no thread is there that a fork would lose."""
    assert ended(list(executor.run([job(tmp_path, "a")]))) == {("a", 0): "done"}
    server = forkserver._forkserver._forkserver_pid
    assert "libtorch_cpu" in Path(f"/proc/{server}/maps").read_text()
    assert "Threads:\t1\n" in Path(f"/proc/{server}/status").read_text()


def test_without_the_process_that_forks_workers_they_end_and_the_other_jobs_go_on(
    executor: Executor, tmp_path: Path
) -> None:
    events, pids = [], []
    for event in executor.run([job(tmp_path, "endless", ENDLESS), job(tmp_path, "good")]):
        events.append(event)
        if event.task is None and event.job.name == "endless":
            pids += [child.pid for child in multiprocessing.active_children()]
            os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert ended(events) == {("endless", 0): "failed", ("good", 0): "done"}
    assert not any(map(is_alive, pids))


def test_a_command_ends_with_the_worker_that_ran_it(executor: Executor, tmp_path: Path) -> None:
    script = tmp_path / "sleeps.py"
    script.write_text(
        f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    command = {**TINY, "trainer": {"command": f"{sys.executable} {script}"}}
    pid = tmp_path / "pid"

    def kill_the_worker() -> None:
        until(lambda: pid.exists() and pid.read_text(), "the command has begun")
        for child in multiprocessing.active_children():
            child.kill()

    killer = threading.Thread(target=kill_the_worker)
    killer.start()
    events = list(executor.run([job(tmp_path, "slow", command)]))
    killer.join()
    assert ended(events) == {("slow", 0): "failed"}
    until(lambda: not is_alive(int(pid.read_text())), "the command ends with its worker")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("hydra/launcher=joblib", "who trains is said by launch=local, slurm, ray or futures"),
        (
            "+hydra/launcher=submitit_slurm",
            "who trains is said by launch=local, slurm, ray or futures",
        ),
        ("hydra.launcher.n_jobs=4", "who trains is said by launch=local, slurm, ray or futures"),
        ("hydra/sweeper=optuna", "the sweeper of all studies is ablate"),
    ],
)
def test_a_launcher_of_hydras_that_nobody_would_ask_is_refused(word: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        refuse_launchers(word)
    assert str(caught.value).startswith(f"'{word}' is not allowed: ")


@pytest.mark.parametrize("command", ["run", "sweep", "plan", "check"])
def test_it_is_refused_on_the_command_line(command: str, capsys) -> None:
    assert main([command, "study=quickstart", "hydra/launcher=joblib"]) == 2
    assert "'hydra/launcher=joblib' is not allowed" in capsys.readouterr().err


def test_what_names_no_other_launcher_passes() -> None:
    for word in ("hydra/sweeper=ablate", "hydra.run.dir=.", "launch.workers=2", "-m", "study=x"):
        refuse_launchers(word)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_sweep_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in ("write_run", "write_failure"):
        monkeypatch.setattr(f"ablate.launch.execute.{name}", full)
    events = []
    with pytest.raises(DiskFullError, match=os.strerror(number)):
        events += InProcess().run([job(tmp_path, "a"), job(tmp_path, "b")])
    with pytest.raises(DiskFullError):  # nor can it be told why a run failed
        events += InProcess().run([job(tmp_path, "a", IMPOSSIBLE)])
    assert not (tmp_path / "b").exists()
    assert ended(events) == {}


def test_a_failed_run_tells_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:hunter2secret@127.0.0.1:9")
    said = "no answer from http://user:hunter2secret@127.0.0.1:9"
    one = job(tmp_path, "a")
    event = failed(one, one.tasks[0], said, f"Traceback: hunter2secret; {said}")
    for text in (event.message, *(p.read_text() for p in (tmp_path / "a" / "0").iterdir())):
        assert "hunter2" not in text
