"""An MLflow server, or the database behind it, is killed: runs wait, and all of them arrive, once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from mirrored import check_whole, children
from servers import Postgres, Tracker
from store_samples import a_cell, add_run
from sweeping import command, small

from ablate.cli import main
from ablate.store.live import LiveMirror
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
WHAT = pytest.mark.parametrize("what", ["server", "database"])


def engine(what: str, tracker: Tracker, postgres: Postgres) -> Tracker | Postgres:
    return tracker if what == "server" else postgres


def ended(root: Path) -> int:
    return len(list(root.glob("runs/mine/*/*/result.json")))


@WHAT
def test_the_mirror_comes_back_by_itself_while_a_sweep_goes_on(
    tracker: Tracker,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.address)
    monkeypatch.setattr("ablate.store.live._PAUSE", 0.5)
    cell = a_cell(replicates=30)
    mirror = LiveMirror(tmp_path, "s", "?")
    mirror.open()

    def end(replicates: range) -> None:
        for replicate in replicates:
            add_run(tmp_path, cell, replicate)
            mirror.run_ended(cell, replicate)

    end(range(10))
    until(lambda: len(children(tmp_path)) > 3, "runs are mirrored")
    away = engine(what, tracker, postgres)
    away.kill()
    end(range(10, 20))
    until(lambda: mirror.problem, "the outage is noticed")
    assert "hunter2" not in str(mirror.problem)
    away.start()
    end(range(20, 30))
    until(lambda: len(children(tmp_path)) == 30, "all runs are mirrored")
    assert mirror.close() is None
    check_whole(tmp_path, "s", cells=1, replicates=30)


@WHAT
def test_a_sweep_whose_tracker_was_away_ends_with_all_its_runs_there(
    tracker: Tracker,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.address)
    small(tmp_path, scales=3, replicates=20, epochs=60)
    with command("sweep", "study=mine.yaml", cwd=tmp_path) as process:
        until(lambda: ended(tmp_path) >= 4, "runs end")
        away = engine(what, tracker, postgres)
        away.kill()
        least = min(ended(tmp_path) + 16, 60)
        until(lambda: ended(tmp_path) >= least, "runs end while the tracker is away")
        os.killpg(process.pid, signal.SIGSTOP)
        away.start()
        os.killpg(process.pid, signal.SIGCONT)
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "60/60 runs" in output
    assert "MLflow" not in output
    assert "View run" not in output
    check_whole(tmp_path, "mine", cells=3, replicates=20)


def test_a_tracker_that_stays_away_costs_one_sentence_and_sync_closes_the_gap(
    tracker: Tracker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.address)
    small(tmp_path, scales=2, replicates=4, epochs=60)
    with command("sweep", "study=mine.yaml", cwd=tmp_path) as process:
        until(lambda: ended(tmp_path) >= 1, "runs end")
        tracker.kill()
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "8/8 runs" in output
    assert output.count("MLflow is not reachable: ") == output.count("`ablate sync`") == 1
    tracker.start()
    monkeypatch.chdir(tmp_path)
    assert main(["sync"]) == 0
    assert main(["sync"]) == 0
    assert "mine: 0 written, 8 up to date, 0 deleted" in capsys.readouterr().out
    check_whole(tmp_path, "mine", cells=2, replicates=4)
