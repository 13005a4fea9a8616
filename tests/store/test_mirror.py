from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_samples import (
    a_cell,
    a_diverged_record,
    a_record,
    add_failure,
    add_run,
)

from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.ledger import move_stale, run_directory
from ablate.store.live import not_mirrored
from ablate.store.mirror import entity_names, mirror_run
from ablate.store.parent import cell_metrics, finish_cell, start_cell
from ablate.store.reader import finished
from ablate.store.report_run import ReportPage, mirror_report
from ablate.store.result import read_result
from ablate.store.sync import Synced, sync
from ablate.store.tracking import Store, all_runs, find_experiment, open_store
from ablate.store.view import view_address

START = 1740830400250  # 2025-03-01T12:00:00.250Z in ms since 1970


pytestmark = pytest.mark.usefixtures("own_mlflow")


def by_kind(store: Store, kind: str) -> list[Any]:
    return [run for run in all_runs(store) if run.data.tags.get("ablate.kind") == kind]


def mirrored(root: Path, cell: LedgerCell) -> Store:
    store = open_store(root, "s", "Does it matter?")
    parent = start_cell(store, cell)
    ended = list(finished(root, "s", cell))
    for replicate, _, result in ended:
        mirror_run(store, cell, replicate, result, parent)
    finish_cell(store, cell, parent, ended)
    return store


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """Mirror a done, an n/c and a failed run once, for all tests that only look."""
    root = tmp_path_factory.mktemp("example")
    cell = a_cell(tuned="optimizer.lr", levels={"init": "he", "activation": "relu"})
    add_run(root, cell, 0)
    add_run(root, cell, 1, a_diverged_record())
    add_failure(root, cell, 2)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        return mirrored(root, cell), root


def test_everything_lies_under_the_root(example: tuple[Store, Path], tmp_path: Path) -> None:
    store, root = example
    experiment = store.client.get_experiment_by_name("s")
    assert experiment.artifact_location == (root / "mlartifacts" / "s").as_uri()
    assert (root / "mlflow.db").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_experiment_says_the_question_and_has_a_view(example: tuple[Store, Path]) -> None:
    store, _ = example
    tags = store.client.get_experiment(store.experiment_id).tags
    assert tags["mlflow.note.content"] == "Does it matter?"
    view = json.loads(tags["mlflow.sharedViewState.ablate"])
    assert view["searchFilter"] == "tags.ablate.kind != 'replicate'"
    assert {"metrics.`mean`", "metrics.`n_c`"} <= set(view["selectedColumns"])
    # The view's own filter is one that MLflow understands and that leaves the parents.
    kinds = [run.data.tags["ablate.kind"] for run in all_runs(store, view["searchFilter"])]
    assert kinds == ["cell"]
    expected = f"/#/experiments/{store.experiment_id}/runs?viewStateShareKey=ablate&workflowType=machine_learning"
    assert view_address(store.experiment_id) == expected


def test_a_done_run_has_params_curves_and_times(example: tuple[Store, Path]) -> None:
    store, root = example
    runs = {run.data.params["replicate"]: run for run in by_kind(store, "replicate")}
    run, (parent,) = runs["0"], by_kind(store, "cell")
    assert run.data.params == {
        "init": "he", "activation": "relu", "replicate": "0", "optimizer.lr": "0.0005",
    }  # fmt: skip
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.tags["ablate.key"] == "he-cell-key-0"
    assert run.data.metrics["test/accuracy"] == 0.9
    assert (run.info.status, run.data.tags["ablate.status"]) == ("FINISHED", "done")
    assert (run.info.start_time, run.info.end_time) == (START, START + 1500)
    history = store.client.get_metric_history(run.info.run_id, "validation/accuracy")
    points = [(point.step, point.timestamp) for point in history]
    assert points == [(0, START + 100), (10, START + 700), (20, START + 1300)]
    # The final value replaces that of the last evaluation: one point per step.
    losses = store.client.get_metric_history(run.info.run_id, "validation/loss")
    assert [(point.step, point.value) for point in losses] == [(0, 2.25), (10, 1.25), (20, 0.25)]
    (artifact,) = store.client.list_artifacts(run.info.run_id)
    assert artifact.path == "config.yaml"
    stored = root / "mlartifacts" / "s" / run.info.run_id / "artifacts" / "config.yaml"
    assert "digits" in stored.read_text()


def test_n_c_is_finished_and_failed_is_failed(example: tuple[Store, Path]) -> None:
    store, _ = example
    runs = {run.data.params["replicate"]: run for run in by_kind(store, "replicate")}
    diverged, failed = runs["1"], runs["2"]
    assert (diverged.info.status, diverged.data.tags["ablate.status"]) == ("FINISHED", "diverged")
    assert diverged.data.tags["ablate.nc_reason"] == "nonfinite"
    assert diverged.data.metrics["diverged_at_step"] == 7
    assert failed.info.status == "FAILED"
    assert failed.data.tags["mlflow.note.content"] == "It broke."
    artifacts = {file.path for file in store.client.list_artifacts(failed.info.run_id)}
    assert artifacts == {"config.yaml", "error.log"}


def test_the_parent_counts_what_is_below_it(example: tuple[Store, Path]) -> None:
    store, _ = example
    (parent,) = by_kind(store, "cell")
    assert parent.info.run_name == "init=he"
    assert parent.info.status == "FAILED"
    assert parent.data.tags["level"] == "cell"
    assert parent.data.metrics == {"n": 2, "n_c": 1, "n_failed": 1, "mean": 0.9}
    assert parent.info.start_time == START


def test_mean_and_interval_over_converged_runs(tmp_path: Path) -> None:
    cell = a_cell(replicates=4)
    values = [0.90, 0.92, 0.97]
    for replicate, value in enumerate(values):
        add_run(tmp_path, cell, replicate, a_record(metrics={"test/accuracy": value}))
    add_run(tmp_path, cell, 3, a_diverged_record())
    results = [read_result(run_directory(tmp_path, "s", cell.slug, r)) for r in range(4)]
    metrics = cell_metrics(cell, [result for result in results if result])
    # 4.30265 is the 97.5 % point of t with 2 degrees of freedom, from printed tables.
    half = 4.30265 * np.std(values, ddof=1) / math.sqrt(3)
    assert (metrics["n"], metrics["n_c"]) == (4, 1)
    assert metrics["mean"] == pytest.approx(0.93)
    assert metrics["mean_from"] == pytest.approx(0.93 - half, abs=1e-6)
    assert metrics["mean_to"] == pytest.approx(0.93 + half, abs=1e-6)


def test_more_than_a_batch_of_metrics_and_params_arrives(tmp_path: Path) -> None:
    cell = a_cell(replicates=1, levels={f"factor{i}": "x" for i in range(150)})
    many = tuple({"step": step, "train/loss": 1 / (1 + step)} for step in range(1500))
    add_run(tmp_path, cell, 0, a_record(evaluations=many, evaluated_at=tuple(range(1500))))
    store = mirrored(tmp_path, cell)
    (run,) = by_kind(store, "replicate")
    assert len(run.data.params) == 151
    assert len(store.client.get_metric_history(run.info.run_id, "train/loss")) == 1500


def test_non_finite_numbers_never_reach_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = a_cell(replicates=1)
    add_run(tmp_path, cell, 0)
    monkeypatch.setattr(
        "ablate.store.mirror.read_evaluations", lambda *_: ({"step": 0, "train/loss": math.inf},)
    )
    store = open_store(tmp_path, "s", "?")
    ((_, _, result),) = finished(tmp_path, "s", cell)
    with pytest.raises(LedgerError, match=r"train/loss=inf at step 0"):
        mirror_run(store, cell, 0, result, start_cell(store, cell))


def snapshot(store: Store) -> dict[str, Any]:
    return {
        run.info.run_id: (run.data.tags, run.data.params, run.data.metrics, run.info.status)
        for run in all_runs(store)
    }


def test_sync_writes_what_is_missing_and_then_nothing(tmp_path: Path) -> None:
    cells = [a_cell("he"), a_cell("xavier")]
    for cell in cells:
        for replicate in range(3):
            add_run(tmp_path, cell, replicate)
    assert sync(tmp_path, "s", "?", cells) == Synced(written=6, kept=0, deleted=0)
    store = open_store(tmp_path, "s", "?")
    before = snapshot(store)
    assert sync(tmp_path, "s", "?", cells) == Synced(written=0, kept=6, deleted=0)
    assert snapshot(store) == before
    assert len(before) == 8


def test_sync_repairs_whatever_left_the_ledger(tmp_path: Path) -> None:
    cell, gone = a_cell("he"), a_cell("gone")
    for replicate in range(3):
        add_run(tmp_path, cell, replicate)
        add_run(tmp_path, gone, replicate)
    sync(tmp_path, "s", "?", [cell, gone])
    store = open_store(tmp_path, "s", "?")
    somebodys = store.client.create_run(store.experiment_id, run_name="mine")
    # A child and a parent that a killed process left open, and a run tried again with success.
    children = {run.data.params["replicate"]: run for run in by_kind(store, "replicate")
                if run.data.params["init"] == "he"}  # fmt: skip
    store.client.update_run(children["0"].info.run_id, status="RUNNING")
    parent = children["0"].data.tags["mlflow.parentRunId"]
    store.client.update_run(parent, status="RUNNING")
    add_run(tmp_path, cell, 1, a_record(metrics={"test/accuracy": 0.5}))
    assert sync(tmp_path, "s", "?", [cell]) == Synced(written=2, kept=1, deleted=5)
    left = {run.info.run_id: run for run in all_runs(store)}
    assert len(left) == 5  # one parent, three children, somebody's own
    mine = left.pop(somebodys.info.run_id)
    assert mine.info.status == "RUNNING"  # not ours to close
    assert {run.info.status for run in left.values()} == {"FINISHED"}
    (cell_run,) = [run for run in left.values() if run.data.tags["ablate.kind"] == "cell"]
    assert cell_run.data.metrics["mean"] == pytest.approx((0.9 + 0.5 + 0.92) / 3)
    assert sync(tmp_path, "s", "?", [cell]) == Synced(written=0, kept=3, deleted=0)


def test_sync_gives_a_parent_whose_mean_is_gone_a_new_run(tmp_path: Path) -> None:
    cell = a_cell(replicates=1)
    directory = add_run(tmp_path, cell, 0)
    sync(tmp_path, "s", "?", [cell])
    move_stale(directory, tmp_path)
    add_run(tmp_path, cell, 0, a_diverged_record())
    sync(tmp_path, "s", "?", [cell])
    store = open_store(tmp_path, "s", "?")
    (parent,), (child,) = by_kind(store, "cell"), by_kind(store, "replicate")
    assert parent.data.metrics == {"n": 1, "n_c": 1, "n_failed": 0}
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_an_interrupted_cell_is_closed_as_killed(tmp_path: Path) -> None:
    cell = a_cell(replicates=3)
    add_run(tmp_path, cell, 0)
    sync(tmp_path, "s", "?", [cell])
    (parent,) = by_kind(open_store(tmp_path, "s", "?"), "cell")
    assert parent.info.status == "KILLED"


def test_control_cells_with_equal_run_keys_keep_their_own_runs(tmp_path: Path) -> None:
    one = a_cell("he", replicates=1)
    other = a_cell("he", replicates=1, slug="control", key="control", name="control")
    add_run(tmp_path, one, 0)
    directory = run_directory(tmp_path, "s", "control", 0)
    directory.parent.mkdir(parents=True)
    run_directory(tmp_path, "s", one.slug, 0).rename(directory)
    add_run(tmp_path, one, 0)
    assert sync(tmp_path, "s", "?", [one, other]).written == 2
    assert sync(tmp_path, "s", "?", [one, other]).kept == 2


def test_a_report_is_a_run_with_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "s"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "accuracy.svg").write_text("<svg/>")
    (folder / "README.md").write_text("one")
    store = open_store(tmp_path, "s", "?")
    mirror_report(store, ReportPage(folder))
    mirror_report(store, ReportPage(folder))
    (first,) = by_kind(store, "report")
    assert first.info.run_name == "report"
    assert {file.path for file in store.client.list_artifacts(first.info.run_id)} == {
        "README.md", "figures",
    }  # fmt: skip
    (folder / "README.md").write_text("two")
    mirror_report(store, ReportPage(folder))
    (second,) = by_kind(store, "report")
    assert second.info.run_id != first.info.run_id


def test_an_experiment_is_found_by_its_study(example: tuple[Store, Path]) -> None:
    store, root = example
    assert find_experiment(root, "s") == store.experiment_id
    assert find_experiment(root, "another") is None


def test_a_folder_with_odd_letters_works(tmp_path: Path) -> None:
    root = tmp_path / "a b%20ü#1?"
    cell = a_cell(replicates=1)
    add_run(root, cell, 0)
    store = mirrored(root, cell)
    (run,) = by_kind(store, "replicate")
    assert (root / "mlflow.db").exists()
    assert list((root / "mlartifacts" / "s" / run.info.run_id).rglob("config.yaml"))


def test_the_sentence_about_a_server_shows_no_password() -> None:
    error = OSError("no answer from https://me:secret@example.org/api.\nmore")
    sentence = not_mirrored(error)
    assert "secret" not in sentence
    assert "https://***@example.org/api; `ablate sync`" in sentence


def test_a_deleted_experiment_comes_back(tmp_path: Path) -> None:
    store = open_store(tmp_path, "s", "?")
    store.client.delete_experiment(store.experiment_id)
    again = open_store(tmp_path, "s", "Another question?", report="Report: reports/s")
    assert again.experiment_id == store.experiment_id
    experiment = again.client.get_experiment(again.experiment_id)
    assert experiment.lifecycle_stage == "active"
    note = experiment.tags["mlflow.note.content"]
    assert note == "Another question?\n\nReport: reports/s"


@pytest.mark.parametrize(
    "name",
    [
        "test/accuracy",
        "rate [/]",
        "a|b",
        "<b>",
        "50 %",
        "../x",
        "/x",
        "x/",
        "a//b",
        ".",
        "..",
        "Größe",
    ],
)
def test_a_name_that_mlflow_takes(name: str) -> None:
    """A factor with brackets ended the mirror: MLflow was called not reachable."""
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    called = entity_names([name])[name]
    _validate_param_name(called)
    _validate_metric_name(called)
    assert (called == name) == (name in ("test/accuracy", "Größe"))
