"""The store of MLflow: one that cannot be used, one that was moved, and names that it takes."""

import shutil
import socket
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from store_samples import a_cell, a_record, add_run

from ablate.store.database import StoreError, artifacts_address, check_database, follow_move
from ablate.store.held import ledger_tag
from ablate.store.live import not_mirrored
from ablate.store.mirror import entity_names
from ablate.store.sync import Synced, sync
from ablate.store.tracking import all_runs, open_store


@pytest.fixture(autouse=True)
def _no_address_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where something is tried again later: MLflow would for a minute and a half."""

    def waits(seconds: float) -> None:
        raise AssertionError(f"waits {seconds} s")

    monkeypatch.setattr(time, "sleep", waits)


@pytest.mark.usefixtures("_nobody_waits")
@pytest.mark.parametrize("how", ["a folder", "noise", "a link to itself", "in a file"])
def test_a_store_that_cannot_be_used_is_named_at_once(tmp_path: Path, how: str) -> None:
    root = tmp_path / "root"
    path = root / "mlflow.db"
    if how == "in a file":
        root.write_text("")
    else:
        root.mkdir()
    if how == "a folder":
        path.mkdir()
    elif how == "noise":
        path.write_bytes(bytes(range(1, 256)) * 20)
    elif how == "a link to itself":
        path.symlink_to(path)
    with pytest.raises(
        StoreError, match=r"mlflow\.db cannot be used: .*`ablate sync` makes it anew"
    ):
        open_store(root, "s", "?")


@pytest.mark.usefixtures("_nobody_waits")
@pytest.mark.parametrize(
    ("driver", "why"),
    [("sqlite", "Connection refused"), ("no_such_driver", "no_such_driver")],
    ids=["nobody listens", "no driver"],
)
def test_a_database_that_is_away_is_named_at_once_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # nobody listens there any more
    address = f"postgresql://me:hunter2secret@127.0.0.1:{port}/runs"
    if driver != "sqlite":
        address = address.replace("postgresql:", f"postgresql+{driver}:")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(StoreError, match=why) as raised:
        open_store(tmp_path, "s", "?")
    assert "hunter2secret" not in not_mirrored(raised.value)
    assert f"***@127.0.0.1:{port}/runs cannot be opened" in not_mirrored(raised.value)


def test_a_store_in_use_is_not_called_damaged(tmp_path: Path, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("BEGIN EXCLUSIVE")
        check_database(tmp_path)


def test_a_moved_project_keeps_its_artifacts_where_it_is(
    tmp_path: Path, empty_mlflow: Path
) -> None:
    old, new, cell = tmp_path / "old", tmp_path / "new", a_cell(replicates=2, slug="c")
    old.mkdir()
    shutil.copy(empty_mlflow, old)
    add_run(old, cell, 0)
    sync(old, "s", "?", [cell])
    mine = open_store(old, "s", "?").client.create_experiment("mine", "file:///elsewhere/mine")
    old.rename(new)
    add_run(new, cell, 1)
    assert sync(new, "s", "?", [cell]) == Synced(written=1, kept=1, deleted=0)
    assert not old.exists()
    store = open_store(new, "s", "?")
    runs = [r for r in all_runs(store) if r.data.tags["ablate.kind"] == "replicate"]
    for run in runs:
        assert run.info.artifact_uri.startswith((new / "mlartifacts" / "s").as_uri() + "/")
        assert [file.path for file in store.client.list_artifacts(run.info.run_id)] == [
            "config.yaml"
        ]
    assert store.client.get_experiment(mine).artifact_location == "file:///elsewhere/mine"


def test_a_store_of_the_users_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    follow_move(tmp_path)
    check_database(tmp_path)


@pytest.mark.parametrize(
    ("address", "chosen", "place"),
    [
        ("postgresql://lab/runs", "", "file://{root}/mlartifacts/s%20t"),
        ("mysql://lab/runs", "", "file://{root}/mlartifacts/s%20t"),
        ("postgresql://lab/runs", "s3://bucket/runs/", "s3://bucket/runs/s%20t"),
        ("postgresql://lab/runs", "/mnt/a b", "file:///mnt/a%20b/s%20t"),
        ("sqlite:////mnt/runs.db", "/mnt/files", "file:///mnt/files/s%20t"),
        ("", "/mnt/files", "file://{root}/mlartifacts/s%20t"),  # the root's own store moves with it
    ],
)
def test_artifacts_lie_under_the_root_or_where_the_user_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, chosen: str, place: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", chosen)
    monkeypatch.chdir("/")
    assert artifacts_address(tmp_path, "s t") == place.format(root=tmp_path)


def test_a_store_shows_no_password(tmp_path: Path, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    store = replace(open_store(tmp_path, "s", "?"), uri="postgresql://me:hunter2@lab/runs")
    assert "hunter2" not in repr(store)


def test_a_server_that_made_the_experiment_meanwhile_is_asked_for_it(
    tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two that find none, and both make one; the server takes the first."""
    from mlflow import MlflowClient

    shutil.copy(empty_mlflow, tmp_path)
    first = open_store(tmp_path, "s", "?").experiment_id
    by_name, asked = MlflowClient.get_experiment_by_name, []

    def none_at_first(self: MlflowClient, name: str) -> object:
        asked.append(name)
        return None if len(asked) == 1 else by_name(self, name)

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", none_at_first)
    assert open_store(tmp_path, "s", "?").experiment_id == first
    assert asked == ["s", "s"]


def test_a_folder_has_the_same_ledger_wherever_it_is(tmp_path: Path) -> None:
    first = ledger_tag(tmp_path / "old")
    assert ledger_tag(tmp_path / "old") == first
    (tmp_path / "old").rename(tmp_path / "new")
    assert ledger_tag(tmp_path / "new") == first
    assert ledger_tag(tmp_path / "old") != first


def test_names_that_mlflow_refuses_are_changed_and_others_are_not() -> None:
    names = ["rate (SGD)", "rate _SGD_", "rate [SGD]", "../x", "a//b", "/a", "x" * 300, "test/f1",
             "f1@5", "größe", ".", "a\n", "replicate"]  # fmt: skip
    found = entity_names(names, taken=["replicate"])
    from mlflow.utils.validation import _validate_metric, _validate_param

    for name in found.values():
        _validate_param(name, "1")
        _validate_metric(name, 1.0, 0, 0)
    assert len(set(found.values())) == len(names)
    for same in ("rate _SGD_", "test/f1", "größe"):
        assert found[same] == same
    assert found["rate (SGD)"] == "rate _SGD_ 2"
    assert found["replicate"] == "replicate 2"


def test_factors_and_metrics_of_any_name_are_mirrored(tmp_path: Path, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    cell = a_cell(replicates=1, levels={"rate (SGD)": "0.1", "rate _SGD_": "5", "replicate": "x"})
    add_run(tmp_path, cell, 0, a_record(metrics={"f1@5": 0.5, "test/accuracy": 0.9}))
    assert sync(tmp_path, "s", "?", [cell]).written == 1
    assert sync(tmp_path, "s", "?", [cell]) == Synced(written=0, kept=1, deleted=0)
    store = open_store(tmp_path, "s", "?")
    (run,) = (r for r in all_runs(store) if r.data.tags["ablate.kind"] == "replicate")
    assert run.data.params == {
        "rate _SGD_": "5", "rate _SGD_ 2": "0.1", "replicate": "0", "replicate 2": "x",
    }  # fmt: skip
    assert run.data.metrics["f1_5"] == 0.5


def test_only_what_gives_no_answer_is_called_not_reachable() -> None:
    assert not_mirrored(OSError("no route to host")).startswith("MLflow is not reachable: ")
    refused = not_mirrored(ValueError("Invalid value\nmore"))
    assert refused == (
        "MLflow did not take all runs, which the ledger has: ValueError: Invalid value; "
        "`ablate sync` brings it up to date."
    )
    assert not_mirrored(StoreError("It is a folder.")) == "It is a folder."


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_journals_file_stays_and_a_log_of_the_users_choice_is_left_alone(
    tmp_path: Path, empty_mlflow: Path, mode: str
) -> None:
    path = Path(shutil.copy(empty_mlflow, tmp_path))
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
    open_store(tmp_path, "s", "?")
    assert (tmp_path / "mlflow.db-journal").exists() == (mode == "delete")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert database.execute("SELECT name FROM experiments WHERE name = 's'").fetchall()
