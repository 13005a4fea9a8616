"""The pool: what becomes of jobs when workers die, hang or fail."""

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.job import Job, Task
from ablate.launch.marks import is_marked, marked
from ablate.launch.pool import Event, Pool, run_jobs
from ablate.store.result import read_result

TINY = {
    "data": {"name": "synthetic", "train_examples": 300, "validation_size": 50, "separation": 3.0},
    "model": {"name": "mlp", "depth": 1, "width": 8},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"epochs": 5, "batch_size": 16},
    "probe": {"steps": "off"},
}
ENDLESS = {**TINY, "trainer": {"epochs": 10**6}}
IMPOSSIBLE = {**TINY, "data": {**TINY["data"], "validation_size": 10_000}}


def job(root: Path, name: str, config: dict, replicates: int = 1) -> Job:
    tasks = tuple(Task(r, f"key{r}", root / name / str(r)) for r in range(replicates))
    return Job(name, run_config(config), tasks, root, "cpu")


def ended(events: list[Event]) -> dict[tuple[str, int], str]:
    return {(e.job.name, e.task.replicate): str(e.status) for e in events if e.task is not None}


def test_jobs_run_and_leave_results(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "a", TINY, 2), job(tmp_path, "b", TINY)]
    assert ended(list(run_jobs(jobs, workers=2))) == {
        ("a", 0): "done",
        ("a", 1): "done",
        ("b", 0): "done",
    }
    result = read_result(tmp_path / "a" / "1")
    assert result is not None
    assert (result.status, result.key) == ("done", "key1")
    assert not is_marked(tmp_path / "a" / "1")


def test_a_failing_job_is_named_and_the_others_finish(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "bad", IMPOSSIBLE), job(tmp_path, "good", TINY)]
    events = list(run_jobs(jobs, workers=1))
    assert ended(events) == {("bad", 0): "failed", ("good", 0): "done"}
    assert "validation_size" in next(e.message for e in events if e.status == "failed")
    assert "Traceback" in (tmp_path / "bad" / "0" / "error.log").read_text()


def test_a_killed_worker_costs_its_own_job_only(tmp_path: Path) -> None:
    """The worker that has the endless job is killed; the other job runs on a fresh one."""
    jobs = [job(tmp_path, "endless", ENDLESS, 2), job(tmp_path, "good", TINY)]
    events = []
    for event in run_jobs(jobs, workers=1):
        events.append(event)
        if event.status is None and event.job.name == "endless":
            for child in multiprocessing.active_children():
                child.kill()
    assert ended(events) == {
        ("endless", 0): "failed",
        ("endless", 1): "failed",
        ("good", 0): "done",
    }
    assert any("signal 9" in event.message for event in events)


def test_a_hung_run_is_ended(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "endless", ENDLESS)]
    events = list(run_jobs(jobs, workers=1, timeout=4))
    assert ended(events) == {("endless", 0): "failed"}
    assert events[-1].message == "timeout after 4 s"


def test_stop_starts_nothing_new(tmp_path: Path) -> None:
    jobs = [job(tmp_path, name, TINY) for name in ("a", "b", "c")]
    events: list[Event] = []
    for event in run_jobs(jobs, 1, keep_going=lambda: not events):
        events.append(event)
    assert ended(events) == {("a", 0): "done"}


def test_marks_end_with_their_block(tmp_path: Path) -> None:
    with marked([tmp_path / "run"]):
        assert is_marked(tmp_path / "run")
    assert not is_marked(tmp_path / "run")
    (tmp_path / "run" / ".running").touch()  # left by a process that was killed
    assert not is_marked(tmp_path / "run")


def test_a_pool_keeps_its_workers_from_one_list_to_the_next(tmp_path: Path) -> None:
    with Pool(1) as pool:
        assert ended(list(pool.run([job(tmp_path, "a", TINY)]))) == {("a", 0): "done"}
        before = {child.pid for child in multiprocessing.active_children()}
        assert ended(list(pool.run([job(tmp_path, "b", TINY)]))) == {("b", 0): "done"}
        assert {child.pid for child in multiprocessing.active_children()} == before
    assert not before & {child.pid for child in multiprocessing.active_children()}


def test_a_pool_that_gets_nothing_to_do_starts_nothing() -> None:
    before = multiprocessing.active_children()
    with Pool(2) as pool:
        assert list(pool.run([])) == []
        assert multiprocessing.active_children() == before


def test_a_run_that_cannot_be_written_costs_no_finished_one_of_its_stack(tmp_path: Path) -> None:
    stack = job(tmp_path, "a", TINY, 3)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "2").mkdir()
    (tmp_path / "a" / "2" / "config.yaml").mkdir()  # where a file is to be written
    assert ended(list(run_jobs([stack], workers=1))) == {
        ("a", 0): "done",
        ("a", 1): "done",
        ("a", 2): "failed",
    }
    result = read_result(tmp_path / "a" / "0")
    assert result is not None
    assert result.status == "done"


def test_user_code_that_exits_is_a_failed_run_and_the_worker_goes_on(tmp_path: Path) -> None:
    leaves = {**TINY, "trainer": {"_target_": "mylab.train.leaves"}}
    jobs = [job(tmp_path, "leaves", leaves), job(tmp_path, "good", TINY)]
    events = list(run_jobs(jobs, workers=1))
    assert ended(events) == {("leaves", 0): "failed", ("good", 0): "done"}
    assert next(e.message for e in events if e.status == "failed") == "SystemExit: had enough"


@pytest.mark.parametrize(
    ("replicates", "advice"),
    [(3, "take trainer.stack=1, or off for one at a time"), (1, "a smaller trainer.batch_size")],
)
def test_a_device_short_of_memory_ends_the_sweep_and_marks_no_run(
    tmp_path: Path, replicates: int, advice: str
) -> None:
    """Torch raises the same error on every accelerator; here the user's model does."""
    short = {**TINY, "model": {"_target_": "mylab.nets.TooLarge"}}
    with pytest.raises(ConfigError, match=advice) as caught:
        list(run_jobs([job(tmp_path, "large", short, replicates)], workers=1))
    assert "CUDA out of memory" in str(caught.value)
    assert not list(tmp_path.rglob("result.json"))


def test_workers_are_forked_from_a_process_that_has_made_the_imports(tmp_path: Path) -> None:
    """The second worker has torch at once; no thread is there that a fork would lose."""
    assert ended(list(run_jobs([job(tmp_path, "a", TINY)], workers=1))) == {("a", 0): "done"}
    server = forkserver._forkserver._forkserver_pid
    maps = Path(f"/proc/{server}/maps").read_text()
    assert "libtorch_cpu" in maps
    assert "Threads:\t1\n" in Path(f"/proc/{server}/status").read_text()


def test_without_the_process_that_forks_workers_they_end_and_the_other_jobs_go_on(
    tmp_path: Path,
) -> None:
    jobs = [job(tmp_path, "endless", ENDLESS), job(tmp_path, "good", TINY)]
    events, pids = [], []
    for event in run_jobs(jobs, workers=1):
        events.append(event)
        if event.status is None and event.job.name == "endless":
            pids += [child.pid for child in multiprocessing.active_children()]
            os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert ended(events) == {("endless", 0): "failed", ("good", 0): "done"}
    for pid in pids:
        assert (
            not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()
        )


def test_a_command_ends_with_the_worker_that_ran_it(tmp_path: Path) -> None:
    script = tmp_path / "sleeps.py"
    script.write_text(
        f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    command = {**TINY, "trainer": {"command": f"{sys.executable} {script}"}}
    events = list(run_jobs([job(tmp_path, "slow", command)], workers=1, timeout=6))
    assert ended(events) == {("slow", 0): "failed"}
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} outlived its worker")
