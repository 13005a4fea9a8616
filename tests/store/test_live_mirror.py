"""The mirror of a sweep that is under way: what it writes, and what a server costs that is not there."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from store_samples import a_cell, a_diverged_record, add_failure, add_run

from ablate.store.ledger import run_directory
from ablate.store.live import LiveMirror
from ablate.store.mirror import _log_files
from ablate.store.result import read_result
from ablate.store.sync import Synced, sync
from ablate.store.tracking import Store, all_runs, open_store
from ablate.store.view import ORDER

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


def shown(store: Store) -> dict[str, Any]:
    """Return by name all that MLflow shows of runs, less what is drawn by lot and times of now."""
    runs = all_runs(store)
    names = {run.info.run_id: run.info.run_name for run in runs}
    return {
        run.info.run_name: {
            "info": (run.info.status, run.info.start_time, run.info.end_time),
            "params": run.data.params,
            "tags": {
                k: names.get(v, v)
                for k, v in run.data.tags.items()
                if k != ORDER and not k.startswith("ablate.ledger.")
            },
            "metrics": {
                name: [
                    (p.step, p.value, p.timestamp if "replicate" in run.data.params else None)
                    for p in store.client.get_metric_history(run.info.run_id, name)
                ]
                for name in run.data.metrics
            },
            "files": {
                file.path: Path(
                    store.client.download_artifacts(run.info.run_id, file.path)
                ).read_bytes()
                for file in store.client.list_artifacts(run.info.run_id)
            },
        }
        for run in runs
    }


def test_runs_mirrored_as_they_end_are_those_of_a_mirror_built_from_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    live, built = tmp_path / "live", tmp_path / "built"
    cells = [a_cell("he", tuned="optimizer.lr"), a_cell("xavier", replicates=2)]
    for cell in cells:
        add_run(live, cell, 0)
        add_run(live, cell, 1, a_diverged_record())
    add_failure(live, cells[0], 2)
    shutil.copytree(live, built)
    with monkeypatch.context() as patched:
        # All came: neither the ledger nor MLflow is asked again.
        patched.delattr("ablate.store.live.finished")
        patched.delattr(MlflowClient, "get_run")
        mirror = LiveMirror(live, "s", "?")
        for cell in cells:
            for replicate in range(cell.replicates):
                mirror.run_ended(cell, replicate)
        assert mirror.close() is None
    sync(built, "s", "?", cells)
    first, second = (shown(open_store(root, "s", "?")) for root in (live, built))
    assert len(first) == 7
    assert set(first["init=he · 2"]["files"]) == {"config.yaml", "error.log"}
    assert first == second


def test_a_cell_whose_first_runs_are_of_an_earlier_sweep_is_closed_with_all_of_them(
    tmp_path: Path,
) -> None:
    cell = a_cell(replicates=3)
    add_run(tmp_path, cell, 0)
    sync(tmp_path, "s", "?", [cell])
    mirror = LiveMirror(tmp_path, "s", "?")
    for replicate in (1, 2):
        add_run(tmp_path, cell, replicate)
        mirror.run_ended(cell, replicate)
    assert mirror.close() is None
    (parent,) = all_runs(open_store(tmp_path, "s", "?"), "tags.`ablate.kind` = 'cell'")
    assert (parent.data.metrics["n"], parent.info.status) == (3, "FINISHED")
    assert parent.data.tags["mlflow.note.content"].startswith("91 % (88.52 to 93.48) · n 3")


def test_files_go_through_mlflow_where_artifacts_lie_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[tuple[str, str]] = []

    def repository(place: str, tracking_uri: str) -> SimpleNamespace:
        assert tracking_uri == "http://tracker"
        return SimpleNamespace(log_artifact=lambda path: logged.append((place, path)))

    registry = "mlflow.store.artifact.artifact_repository_registry.get_artifact_repository"
    monkeypatch.setattr(registry, repository)
    run: Any = SimpleNamespace(info=SimpleNamespace(run_id="r", artifact_uri="s3://lab/r"))
    store: Any = SimpleNamespace(uri="http://tracker")
    _log_files(store, run, [tmp_path / "config.yaml", tmp_path / "error.log"])
    assert logged == [("s3://lab/r", str(tmp_path / n)) for n in ("config.yaml", "error.log")]


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
