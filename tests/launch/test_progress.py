"""How long a sweep says that it still takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ablate.config.validate import run_config
from ablate.launch import progress as module
from ablate.launch.job import Event, Job, Task
from ablate.launch.jobs import cost
from ablate.launch.progress import Progress

PLAIN = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


def job(epochs: int, replicates: int = 1) -> Job:
    tasks = tuple(Task(number, f"key{number}", Path(f"{number}")) for number in range(replicates))
    config = run_config({**PLAIN, "trainer": {"epochs": epochs}})
    return Job("cell", config, tasks, Path(), "cpu", ())


def test_what_is_left_counts_by_its_work_and_not_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long, short = job(40, replicates=2), [job(10) for _ in range(4)]
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    ahead = sum(map(cost, [long, *short]))
    shown = Progress("runs", 6, 0, ahead, Console(quiet=True), began=now)
    now += 80  # for two of the forty epochs
    for task in long.tasks:
        shown.show(Event(long, task, "done"))
    assert "4 left · 1:20 elapsed · 0:40 to go" in shown.line()  # four of ten


def test_where_nobody_knows_the_work_runs_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    own = run_config({**PLAIN, "trainer": {"_target_": "mylab.train.fit"}})
    one = replace(job(1, replicates=2), config=own)
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    shown = Progress("runs", 6, 0, cost(one), Console(quiet=True), began=now)
    now = 20.0
    for task in one.tasks:
        shown.show(Event(one, task, "done"))
    assert "4 left · 0:20 elapsed · 0:40 to go" in shown.line()
