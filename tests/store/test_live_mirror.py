"""The mirror of a sweep that is under way: what it writes, and what a server costs that is not there."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from store_samples import a_cell, a_diverged_record, add_failure, add_run

from ablate.store.ledger import run_directory
from ablate.store.live import LiveMirror, mirroring
from ablate.store.mirror import _log_files
from ablate.store.result import read_result
from ablate.store.sync import Synced, sync
from ablate.store.tracking import Store, all_runs, open_store
from ablate.store.view import ORDER
from waiting import until

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
    logged: list[tuple[str, ...]] = []

    def repository(place: str, tracking_uri: str) -> SimpleNamespace:
        assert tracking_uri == "http://tracker"
        return SimpleNamespace(
            log_artifact=lambda path: logged.append(
                (place, Path(path).name, Path(path).read_text())
            )
        )

    registry = "mlflow.store.artifact.artifact_repository_registry.get_artifact_repository"
    monkeypatch.setattr(registry, repository)
    run: Any = SimpleNamespace(info=SimpleNamespace(run_id="r", artifact_uri="s3://lab/r"))
    store: Any = SimpleNamespace(uri="http://tracker")
    (tmp_path / "config-0123.yaml").write_text("data: {name: digits}")
    _log_files(store, run, {"config.yaml": tmp_path / "config-0123.yaml"})
    assert logged == [("s3://lab/r", "config.yaml", "data: {name: digits}")]


def test_a_cell_that_goes_on_to_the_next_look_is_closed_with_all_its_runs(tmp_path: Path) -> None:
    mirror = LiveMirror(tmp_path, "s", "?")
    for replicate in range(3):
        cell = a_cell(replicates=2 if replicate < 2 else 3)
        add_run(tmp_path, cell, replicate)
        mirror.run_ended(cell, replicate)
    assert mirror.close() is None
    (parent,) = all_runs(open_store(tmp_path, "s", "?"), "tags.`ablate.kind` = 'cell'")
    assert (parent.data.metrics["n"], parent.info.status) == (3, "FINISHED")


@pytest.mark.parametrize("call", ["create_run", "log_batch", "set_terminated"])
def test_a_mirror_that_lost_its_store_writes_all_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The call of the third run is made, and the answer to it lost."""
    from mlflow import MlflowClient

    monkeypatch.setattr("ablate.store.live._PAUSE", 0.01)
    cell = a_cell(replicates=4)
    original, calls, away = getattr(MlflowClient, call), [], threading.Event()
    back = threading.Event()

    def lost(self: MlflowClient, *args: Any, **kwargs: Any) -> Any:
        done = original(self, *args, **kwargs)
        calls.append(call)
        if len(calls) == 3:
            away.set()
            raise OSError("no answer")
        return done

    def opened(*args: Any) -> Store:
        if away.is_set() and not back.is_set():
            raise OSError("no route to host")
        return open_store(*args)

    monkeypatch.setattr(MlflowClient, call, lost)
    monkeypatch.setattr("ablate.store.live.open_store", opened)
    mirror = LiveMirror(tmp_path, "s", "?")
    for replicate in range(3):
        add_run(tmp_path, cell, replicate)
        mirror.run_ended(cell, replicate)
    until(lambda: mirror.problem and "no route" in mirror.problem, "it tries in vain")
    add_run(tmp_path, cell, 3)
    mirror.run_ended(cell, 3)
    back.set()
    store = open_store(tmp_path, "s", "?")
    closed = "tags.`ablate.kind` = 'replicate' and attributes.status = 'FINISHED'"
    until(lambda: len(all_runs(store, closed)) == 4, "all runs are mirrored")
    assert mirror.close() is None
    statuses = [run.info.status for run in all_runs(store)]
    assert statuses == ["FINISHED"] * 5


@pytest.mark.parametrize("how", ["live", "sync"])
def test_a_server_that_cannot_take_several_calls_gets_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """As MLflow's does whose connections to its database wait for each other."""
    from mlflow import MlflowClient
    from mlflow.exceptions import RestException

    cell = a_cell(replicates=8)
    for replicate in range(8):
        add_run(tmp_path, cell, replicate)
    original, threads = MlflowClient.log_batch, set[int]()

    def overloaded(self: MlflowClient, *args: Any, **kwargs: Any) -> Any:
        if threading.current_thread().name == "mlflow-call":
            said = "QueuePool limit of size 5 overflow 10 reached, connection timed out"
            raise RestException({"error_code": "BAD_REQUEST", "message": said})
        threads.add(threading.get_ident())
        return original(self, *args, **kwargs)

    def opened(*args: Any) -> Store:
        return replace(open_store(*args), threads=4, shared=True)

    monkeypatch.setattr(MlflowClient, "log_batch", overloaded)
    monkeypatch.setattr(f"ablate.store.{how}.open_store", opened)
    if how == "live":
        mirror = LiveMirror(tmp_path, "s", "?")
        for replicate in range(8):
            mirror.run_ended(cell, replicate)
        assert mirror.close() is None
    else:
        sync(tmp_path, "s", "?", [cell])
    assert len(threads) == 1
    statuses = [run.info.status for run in all_runs(open_store(tmp_path, "s", "?"))]
    assert statuses == ["FINISHED"] * 9


def test_what_is_wrong_in_the_ledger_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr("ablate.store.live._PAUSE", 0.01)
    monkeypatch.setattr(
        "ablate.store.live.open_store", lambda *a: (opened.append(a), open_store(*a))[1]
    )
    cell = a_cell(replicates=1)
    add_run(tmp_path, cell, 0)
    (run_directory(tmp_path, "s", cell.slug, 0) / "result.json").write_text("{")
    mirror = LiveMirror(tmp_path, "s", "?")
    mirror.run_ended(cell, 0)
    mirror._thread.join()
    assert "result.json" in str(mirror.close())
    assert len(opened) == 1


def test_a_store_that_is_back_too_late_is_left_to_the_closing_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mirror's own end waits for nothing, and the mark says that it is not whole."""

    def away(*_: Any) -> Store:
        raise OSError("no route to host")

    monkeypatch.setattr("ablate.store.live.open_store", away)
    cell = a_cell(replicates=1)
    mirror = LiveMirror(tmp_path, "s", "?")
    mirror.open()
    add_run(tmp_path, cell, 0)
    mirror.run_ended(cell, 0)
    until(lambda: mirror.problem, "it tries")
    assert "no route to host" in str(mirror.close())
    assert not mirror.hangs
    assert mirroring(tmp_path, "s").exists()
    assert sync(tmp_path, "s", "?", [cell]) == Synced(written=1, kept=0, deleted=0)
    assert not mirroring(tmp_path, "s").exists()


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
