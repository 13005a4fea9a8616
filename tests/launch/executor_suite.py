"""What every executor must do with jobs that go well or wrong: a suite that each one inherits.

An executor of your own: a subclass with a fixture `executor` that makes one of size 1, as in
`test_local.py`. `KilledSuite` is for executors that train in processes other than the caller's.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.executor import Executor
from ablate.launch.job import Event, Job, Task
from ablate.store.result import Result, read_result
from whole_run import read_run

TINY = {
    "data": {"name": "synthetic", "train_examples": 300, "validation_size": 50, "separation": 3.0},
    "model": {"name": "mlp", "depth": 1, "width": 8},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"epochs": 5, "batch_size": 16},
    "probe": {"steps": "off"},
}
ENDLESS = {**TINY, "trainer": {"epochs": 10**6}}
IMPOSSIBLE = {**TINY, "data": {**TINY["data"], "validation_size": 10_000}}
LEAVES = {**TINY, "trainer": {"_target_": "mylab.train.leaves"}}


def job(root: Path, name: str, config: dict = TINY, replicates: int = 1) -> Job:
    tasks = tuple(Task(r, f"key{r}", root / name / str(r)) for r in range(replicates))
    return Job(name, run_config(config), tasks, root, "cpu")


def ended(events: Sequence[Event]) -> dict[tuple[str, int], str]:
    return {(e.job.name, e.task.replicate): str(e.status) for e in events if e.task is not None}


def result_of(directory: Path) -> Result:
    result = read_result(directory)
    assert result is not None
    return result


class ExecutorSuite:
    """Jobs that end, fail or do not fit; `executor` is a fixture of the subclass."""

    def test_jobs_run_and_leave_results(self, executor: Executor, tmp_path: Path) -> None:
        jobs = [job(tmp_path, "a", TINY, 2), job(tmp_path, "b")]
        assert ended(list(executor.run(jobs))) == {
            ("a", 0): "done", ("a", 1): "done", ("b", 0): "done",
        }  # fmt: skip
        result = result_of(tmp_path / "a" / "1")
        assert (result.status, result.key) == ("done", "key1")

    def test_a_job_begins_before_its_runs_end_and_jobs_come_in_their_order(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        jobs = [job(tmp_path, "b", TINY, 2), job(tmp_path, "a", IMPOSSIBLE), job(tmp_path, "c")]
        told = [(e.job.name, e.task and e.task.replicate) for e in executor.run(jobs)]
        assert told == [
            ("b", None), ("b", 0), ("b", 1), ("a", None), ("a", 0), ("c", None), ("c", 0),
        ]  # fmt: skip

    def test_it_asks_for_a_job_when_there_is_room_for_it(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        """So that another worker can have taken what comes later, and nothing need begin."""
        events: list[Event] = []
        jobs = [job(tmp_path, name) for name in ("a", "b", "c")]
        for event in executor.run(one for one in jobs if not events):
            events.append(event)
        assert ended(events) == {("a", 0): "done"}
        assert ended(list(executor.run(jobs[1:]))) == {("b", 0): "done", ("c", 0): "done"}

    def test_a_failing_job_is_named_and_the_others_finish(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        jobs = [job(tmp_path, "bad", IMPOSSIBLE), job(tmp_path, "good")]
        events = list(executor.run(jobs))
        assert ended(events) == {("bad", 0): "failed", ("good", 0): "done"}
        assert "validation_size" in next(e.message for e in events if e.status == "failed")
        assert "Traceback" in (tmp_path / "bad" / "0" / "error.log").read_text()

    def test_a_failed_run_keeps_its_config_and_says_where_it_failed(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        list(executor.run([job(tmp_path, "bad", IMPOSSIBLE), job(tmp_path, "good")]))
        bad, good = read_run(tmp_path / "bad" / "0"), read_run(tmp_path / "good" / "0")
        assert bad is not None
        assert good is not None
        assert bad.result.status == "failed"
        assert bad.config["data"]["validation_size"] == 10_000
        assert bad.config.keys() == good.config.keys()
        assert bad.result.provenance == {
            **good.result.provenance,
            "data_digest": bad.result.provenance["data_digest"],
        }
        assert bad.started is not None
        assert good.started is not None
        assert bad.started <= good.started

    def test_user_code_that_exits_is_a_failed_run_and_the_others_finish(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        events = list(executor.run([job(tmp_path, "leaves", LEAVES), job(tmp_path, "good")]))
        assert ended(events) == {("leaves", 0): "failed", ("good", 0): "done"}
        (said,) = (e.message for e in events if e.status == "failed")
        assert said == "trainer=mylab.train.leaves: SystemExit: had enough."

    def test_a_run_that_cannot_be_written_costs_no_finished_one_of_its_stack(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        three = job(tmp_path, "a", TINY, 3)
        too_long = replace(three.tasks[2], directory=tmp_path / "a" / ("2" * 250))
        events = list(executor.run([replace(three, tasks=(*three.tasks[:2], too_long))]))
        assert ended(events) == {("a", 0): "done", ("a", 1): "done", ("a", 2): "failed"}
        assert "its log could not be written" in events[-1].message
        assert result_of(tmp_path / "a" / "0").status == "done"

    @pytest.mark.parametrize(
        ("replicates", "advice"),
        [(3, "take trainer.stack=1, or off for one at a time"), (1, "a smaller trainer.batch")],
    )
    def test_a_device_short_of_memory_ends_the_sweep_and_marks_no_run(
        self, executor: Executor, tmp_path: Path, replicates: int, advice: str
    ) -> None:
        """Torch raises the same error on every accelerator; here the user's model does."""
        short = {**TINY, "model": {"_target_": "mylab.nets.TooLarge"}}
        with pytest.raises(ConfigError, match=advice) as caught:
            list(executor.run([job(tmp_path, "large", short, replicates)]))
        assert "CUDA out of memory" in str(caught.value)
        assert not list(tmp_path.rglob("result.json"))

    def test_it_runs_one_list_of_jobs_after_the_other_and_none(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        assert list(executor.run([])) == []
        for name in ("a", "b"):
            assert ended(list(executor.run([job(tmp_path, name)]))) == {(name, 0): "done"}

    def test_ctrl_c_leaves_what_had_not_ended_to_do(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        def interrupted() -> None:
            for _ in executor.run([job(tmp_path, "endless", ENDLESS), job(tmp_path, "next")]):
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        executor.close()
        assert not list(tmp_path.rglob("result.json"))

    def test_closed_in_the_middle_it_leaves_what_had_not_ended_to_do(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        events = executor.run([job(tmp_path, "endless", ENDLESS), job(tmp_path, "next")])
        assert next(iter(events)).job.name == "endless"
        events.close()  # type: ignore[attr-defined]
        executor.close()
        assert not list(tmp_path.rglob("result.json"))
        time.sleep(1.0)  # nothing goes on in the background
        assert not list(tmp_path.rglob("result.json"))


class KilledSuite(ExecutorSuite):
    """And whose processes are killed or hang, which an executor must survive."""

    def kill(self) -> None:
        """End the processes that train now."""
        raise NotImplementedError

    def test_a_killed_process_costs_its_own_job_only(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        jobs, events = [job(tmp_path, "endless", ENDLESS, 2), job(tmp_path, "good")], []
        for event in executor.run(jobs):
            events.append(event)
            if event.task is None and event.job.name == "endless":
                self.kill()
        assert ended(events) == {
            ("endless", 0): "failed", ("endless", 1): "failed", ("good", 0): "done",
        }  # fmt: skip
        assert any("signal 9" in event.message for event in events)
        killed = read_run(tmp_path / "endless" / "1")
        assert killed is not None
        assert killed.config["trainer"]["epochs"] == 10**6
        good = result_of(tmp_path / "good" / "0")
        assert killed.result.provenance["cpu"] == good.provenance["cpu"]
        assert killed.result.provenance["commit"] == good.provenance["commit"]

    def test_hung_runs_are_ended_one_after_the_other(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        """Time counts from the beginning of its own job, not of the list: no less than twice 2 s."""
        began = time.monotonic()
        jobs = [job(tmp_path, "endless", ENDLESS), job(tmp_path, "another", ENDLESS)]
        events = list(executor.run(jobs, timeout=2))
        assert time.monotonic() - began >= 4
        assert ended(events) == {("endless", 0): "failed", ("another", 0): "failed"}
        assert {e.message for e in events if e.status == "failed"} == {"timeout after 2 s"}
        good = [job(tmp_path, "good")]
        assert ended(list(executor.run(good, timeout=200))) == {("good", 0): "done"}
