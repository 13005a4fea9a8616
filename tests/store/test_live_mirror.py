"""The mirror of a sweep that is under way: what it writes, and what a server costs that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_samples import a_cell, add_failure, add_run

from ablate.store.ledger import run_directory
from ablate.store.live import LiveMirror
from ablate.store.result import read_result
from ablate.store.sync import Synced, sync
from ablate.store.tracking import all_runs, open_store

pytestmark = pytest.mark.usefixtures("own_mlflow")


def test_live_runs_arrive_and_are_closed(tmp_path: Path) -> None:
    cells = [a_cell("he", replicates=2), a_cell("xavier", replicates=2)]
    add_failure(tmp_path, cells[0], 0)
    sync(tmp_path, "s", "?", cells)
    mirror = LiveMirror(tmp_path, "s", "?")
    for cell in cells:
        for replicate in range(2):
            add_run(tmp_path, cell, replicate)
            mirror.run_ended(cell, replicate)
    assert mirror.close() is None
    # The failed run was tried again under the same key: it is replaced, not doubled.
    assert sync(tmp_path, "s", "?", cells) == Synced(written=0, kept=4, deleted=0)
    store = open_store(tmp_path, "s", "?")
    statuses = [run.info.status for run in all_runs(store)]
    assert statuses == ["FINISHED"] * 6


def test_a_cell_that_goes_on_to_the_next_look_is_closed_with_all_its_runs(tmp_path: Path) -> None:
    mirror = LiveMirror(tmp_path, "s", "?")
    for replicate in range(3):
        cell = a_cell(replicates=2 if replicate < 2 else 3)
        add_run(tmp_path, cell, replicate)
        mirror.run_ended(cell, replicate)
    assert mirror.close() is None
    (parent,) = all_runs(open_store(tmp_path, "s", "?"), "tags.`ablate.kind` = 'cell'")
    assert (parent.data.metrics["n"], parent.info.status) == (3, "FINISHED")


def test_an_unreachable_server_costs_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    cell = a_cell()
    mirror = LiveMirror(tmp_path, "s", "?")
    for replicate in range(3):
        add_run(tmp_path, cell, replicate)
        mirror.run_ended(cell, replicate)
    problem = mirror.close()
    assert problem is not None
    assert problem.startswith("MLflow is not reachable: ")
    assert problem.endswith("`ablate sync` brings it up to date.")
    assert "\n" not in problem
    for replicate in range(3):
        assert read_result(run_directory(tmp_path, "s", cell.slug, replicate)) is not None


def test_a_server_that_never_answers_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    answer = threading.Event()
    monkeypatch.setattr("ablate.store.live.open_store", lambda *_: answer.wait())
    mirror = LiveMirror(tmp_path, "s", "?")
    mirror.run_ended(a_cell(), 0)
    problem = mirror.close(timeout=0.05)
    assert problem == (
        "MLflow is not reachable: no answer within 0.05 s; `ablate sync` brings it up to date."
    )
    monkeypatch.setattr("ablate.store.live.all_runs", lambda *_: [])
    answer.set()
    mirror._thread.join()


def test_a_sweep_with_nothing_to_do_does_not_open_mlflow(tmp_path: Path) -> None:
    mirror = LiveMirror(tmp_path / "new", "s", "?")
    assert mirror.close() is None
    assert not (tmp_path / "new").exists()
