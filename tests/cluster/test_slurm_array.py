"""A study by an array of SLURM jobs, and what becomes of it when parts of all that are killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from gated import ended, gated, journals, numbers_of, start, trained
from slurm_cluster import Slurm

from waiting import until

pytestmark = pytest.mark.cluster
SWEEP = ("sweep", "study=mine.yaml", "launch=slurm", "launch.workers=2")


def both_at_work(folder: Path) -> bool:
    return journals(folder).count('"begun"') >= 2


def jobs(slurm: Slurm) -> list[str]:
    return slurm.say("squeue", "--noheader", "--format=%i %T").split("\n")[:-1]


def test_an_array_gives_the_bits_of_the_pool_and_a_report(
    slurm: Slurm, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gated(tmp_path, is_open=True)
    output = ended(start(tmp_path, *SWEEP, environment=slurm.environment))
    assert "12/12 runs" in output
    assert numbers_of(tmp_path) == by_the_pool
    assert trained(tmp_path) == 12
    assert (tmp_path / "reports" / "mine" / "README.md").exists()
    assert "nothing to do" in ended(start(tmp_path, *SWEEP, environment=slurm.environment))


def test_a_sweep_that_was_killed_comes_back_to_its_array(
    slurm: Slurm, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gate = gated(tmp_path)
    first = start(tmp_path, *SWEEP, environment=slurm.environment)
    until(lambda: both_at_work(tmp_path), "two workers with a run each")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    before = jobs(slurm)
    again = start(tmp_path, *SWEEP, environment=slurm.environment)
    assert again.stdout is not None
    until(lambda: "array " in again.stdout.readline(), "what it follows")
    assert jobs(slurm) == before
    gate.touch()
    assert "12/12 runs" in ended(again)
    assert numbers_of(tmp_path) == by_the_pool
    assert trained(tmp_path) == 12


def test_a_controller_that_is_killed_and_comes_back_costs_nothing(
    slurm: Slurm, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gate = gated(tmp_path)
    process = start(tmp_path, *SWEEP, environment=slurm.environment)
    until(lambda: both_at_work(tmp_path), "two workers with a run each")
    slurm.kill_controller()
    gate.touch()
    until(lambda: trained(tmp_path) == 12, "all runs, without a controller")
    assert process.poll() is None  # nobody has said that the array is over
    slurm.start_controller()
    assert "12/12 runs" in ended(process)
    assert numbers_of(tmp_path) == by_the_pool


def test_of_an_array_that_was_cancelled_the_same_command_submits_the_rest(
    slurm: Slurm, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gate = gated(tmp_path)
    process = start(tmp_path, *SWEEP, environment=slurm.environment)
    until(lambda: both_at_work(tmp_path), "two workers with a run each")
    slurm.say("scancel", "--user=root")
    output = ended(process, code=1)
    assert "has ended and 12 runs are missing: it was cancelled" in output
    gate.touch()
    ended(start(tmp_path, *SWEEP, environment=slurm.environment))
    assert numbers_of(tmp_path) == by_the_pool


def test_what_a_killed_worker_had_begun_the_other_takes(
    slurm: Slurm, tmp_path: Path, by_the_pool: dict[str, dict[str, bytes]]
) -> None:
    gate = gated(tmp_path)
    process = start(tmp_path, *SWEEP, "launch.detach=true", environment=slurm.environment)
    assert "array " in ended(process)
    until(lambda: both_at_work(tmp_path), "two workers with a run each")
    (one, *_) = sorted(tmp_path.glob("runs/mine/.workers/*.jsonl"))
    os.kill(int(one.name.split("-")[-2]), signal.SIGKILL)
    gate.touch()
    until(lambda: jobs(slurm) == [], "the end of the array")
    assert numbers_of(tmp_path) == by_the_pool
    assert "nothing to do" in ended(start(tmp_path, *SWEEP, environment=slurm.environment))
