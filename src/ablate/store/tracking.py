"""A study's experiment in MLflow, opened so that many processes may do it at once.

Only `MlflowClient` is used: the fluent interface keeps its state in globals of the process.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ablate.errors import AblateError, reason
from ablate.store.lock import wait_for

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

#: The name of the saved view: `/#/experiments/<id>/runs?viewStateShareKey=ablate`.
VIEW = "ablate"

# Set before MLflow is imported, and only where the user has not decided: telemetry that a closed
# network retries for ever, chatter about tables, tracebacks of what it raises as well, minutes of
# retries for a server that is away.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


class StoreError(AblateError):
    """MLflow's database cannot be used."""


@dataclass(frozen=True)
class Store:
    """An open experiment; `root` is the folder that holds `runs/`."""

    client: MlflowClient
    experiment_id: str
    root: Path
    study: str


def tracking_uri(root: Path) -> str:
    """Return `MLFLOW_TRACKING_URI`, or the SQLite store under the root, as an absolute address."""
    # An address, not a path: these two mean something in it.
    folder = str(root.resolve()).replace("%", "%25").replace("?", "%3F")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder}/mlflow.db"


def is_server(uri: str) -> bool:
    """Tell whether an address is that of a server, which keeps the store and shows the pages."""
    return uri.startswith(("http:", "https:", "databricks"))


def check_database(root: Path) -> None:
    """Raise StoreError, at once, where the store is a SQLite file that cannot be used.

    MLflow would try ten times within a minute and a half.
    """
    path = database_file(tracking_uri(root))
    if path is None:
        return
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise sqlite3.OperationalError("it is no file")
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
            database.execute("SELECT count(*) FROM sqlite_master")
            if path.stat().st_size:
                database.execute("BEGIN IMMEDIATE")
    except (sqlite3.Error, OSError) as error:
        if "locked" in str(error):
            return  # in use, not damaged: MLflow waits for its turn
        raise StoreError(
            f"MLflow's store {path} cannot be used: {reason(error)}; "
            "move it away, and `ablate sync` makes it anew."
        ) from error


def follow_move(root: Path) -> None:
    """Let a store under the root have its artifacts under the root too: the folder was moved.

    MLflow keeps whole addresses and has no call that changes them. A store of the user's own
    choice is left alone.
    """
    path = root.resolve() / "mlflow.db"
    if database_file(tracking_uri(root)) != path or not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        there = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        rows = () if "experiments" not in there else database.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ).fetchall()  # fmt: skip
        for number, name, was in rows:
            now = _artifacts(root, name)
            if was and was != now and was.endswith(f"/mlartifacts/{quote(name)}"):
                change = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
                database.execute(change, (now, number))
                database.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                    "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                    (now, len(was) + 1, number, len(was) + 1, f"{was}/"),
                )


def find_experiment(root: Path, study: str) -> str | None:
    """Return the id of the study's experiment, None where MLflow has none; makes nothing."""
    experiment = _import_client()(tracking_uri=tracking_uri(root)).get_experiment_by_name(study)
    return None if experiment is None else str(experiment.experiment_id)


def view_address(experiment_id: str) -> str:
    """Return the address, below that of the UI, of the view with one row per cell."""
    return f"/#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}"


def open_store(root: Path, study: str, question: str, report: str = "") -> Store:
    """Open the study's experiment, making the store and the experiment where they are missing.

    `report` is the path or address of the report, for the experiment's description. Whatever
    MLflow raises for a store that cannot be reached passes through.
    """
    check_database(root)
    client_class = _import_client()
    uri = tracking_uri(root)
    # Two processes that create the tables at once leave a broken database.
    with wait_for(root.resolve() / "mlflow.db.lock"):
        follow_move(root)
        client = client_class(tracking_uri=uri)
        experiment = client.get_experiment_by_name(study)
        if experiment is None:
            # A server places artifacts itself; MLflow's own choice would follow the working
            # directory of whoever comes first.
            local = uri.startswith(("sqlite:", "file:"))
            place = _artifacts(root, study) if local else None
            experiment = client.get_experiment(client.create_experiment(study, place))
        elif experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
    tags = {
        "mlflow.note.content": f"{question}\n\nReport: {report}" if report else question,
        f"mlflow.sharedViewState.{VIEW}": _view_state(),
    }
    for name, value in tags.items():
        if experiment.tags.get(name) != value:
            client.set_experiment_tag(experiment.experiment_id, name, value)
    return Store(client, experiment.experiment_id, root, study)


def all_runs(store: Store, filter_string: str = "") -> list[MlflowRun]:
    """Return all runs of the experiment that are not deleted; a search alone stops at 1,000."""
    page = store.client.search_runs([store.experiment_id], filter_string)
    runs = list(page)
    while page.token:
        page = store.client.search_runs([store.experiment_id], filter_string, page_token=page.token)
        runs += page
    return runs


def database_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other."""
    name = unquote(uri.removeprefix("sqlite:///").partition("?")[0])
    return Path(name).absolute() if name and uri.startswith("sqlite:///") else None


def _artifacts(root: Path, study: str) -> str:
    return (root.resolve() / "mlartifacts" / study).as_uri()


def _import_client() -> type[MlflowClient]:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # MLflow's own use of SQLAlchemy 2.1; nobody who runs a study can do anything about it.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    from mlflow import MlflowClient

    return MlflowClient


def _view_state() -> str:
    metrics = ("n", "n_c", "failed", "mean", "ci_low", "ci_high")
    state = {
        "searchFilter": "tags.ablate.kind != 'replicate'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "selectedColumns": ["attributes.`Description`", *(f"metrics.`{m}`" for m in metrics)],
    }
    return json.dumps(state, sort_keys=True)
