"""A study's experiment in MLflow, opened so that many processes may do it at once.

Only `MlflowClient` is used: the fluent interface keeps its state in globals of the process.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.database import (
    artifacts_address,
    check_database,
    database_file,
    follow_move,
    keep_journals,
    opening,
    tracking_uri,
)
from ablate.store.held import ledger_tag
from ablate.store.new_store import copy_new_store, is_new, keep_new_store
from ablate.store.view import VIEW, view_state

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment
    from mlflow.entities import Run as MlflowRun

#: The tag that MLflow shows as a description, in Markdown.
DESCRIPTION = "mlflow.note.content"

# Set before MLflow is imported, and only where the user has not decided: telemetry that a closed
# network retries for ever, chatter about tables, tracebacks of what it raises as well, minutes of
# retries for a server that is away, a line on stdout (and a call) for each run that ends.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
#: Calls to a server at a time: of each, most is waiting.
_AT_A_TIME = 4


@dataclass(frozen=True)
class Store:
    """An open experiment.

    root     the folder that holds `runs/`
    uri      where MLflow's store is; it may have a password in it
    ledger   the tag of the ledger under the root, see `ablate.store.held`
    shared   other folders may write to the store as well
    threads  calls that may be under way at once
    """

    client: MlflowClient
    experiment_id: str
    root: Path
    study: str
    uri: str = field(repr=False)
    ledger: str
    shared: bool
    threads: int


def is_server(uri: str) -> bool:
    """Tell whether an address is that of a server, which keeps the store and shows the pages."""
    return uri.startswith(("http:", "https:", "databricks"))


def find_experiment(root: Path, study: str) -> str | None:
    """Return the id of the study's experiment, None where MLflow has none; makes nothing."""
    experiment = _import_client()(tracking_uri=tracking_uri(root)).get_experiment_by_name(study)
    return None if experiment is None else str(experiment.experiment_id)


def open_store(root: Path, study: str, question: str, report: str = "") -> Store:
    """Open the study's experiment, making the store and the experiment where they are missing.

    report  what the experiment's description says below the question, in Markdown; where it is
            not told, what is there stays

    Whatever MLflow raises for a store that cannot be reached passes through.
    """
    check_database(root)
    client_class = _import_client()
    uri = tracking_uri(root)
    with opening(root):
        ledger = ledger_tag(root)
        follow_move(root)
        path = database_file(uri)
        makes = path is not None and is_new(path) and not copy_new_store(path)
        client = client_class(tracking_uri=uri)
        experiment = client.get_experiment_by_name(study)
        if path is not None and makes:
            keep_new_store(path)
        if experiment is None:
            # A server places artifacts itself; MLflow's own choice would follow the working
            # directory of whoever comes first.
            place = None if is_server(uri) else artifacts_address(root, study)
            experiment = _create_experiment(client, study, place)
        elif experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
    before = experiment.tags.get(DESCRIPTION, "")
    stays = not report and before.startswith(f"{question}\n\n")
    tags = {
        DESCRIPTION: before if stays else f"{question}\n\n{report}".rstrip(),
        f"mlflow.sharedViewState.{VIEW}": view_state(),
    }
    for name, value in tags.items():
        if experiment.tags.get(name) != value:
            client.set_experiment_tag(experiment.experiment_id, name, value)
    return Store(
        client,
        experiment.experiment_id,
        root,
        study,
        uri,
        ledger,
        shared=path != root.resolve() / "mlflow.db",
        threads=_AT_A_TIME if is_server(uri) else 1,
    )


def _create_experiment(client: MlflowClient, study: str, place: str | None) -> Experiment:
    """Return the experiment that is there afterwards: of a server's clients several may come."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(client.create_experiment(study, place))
    except MlflowException as error:
        there = client.get_experiment_by_name(study)
        if error.error_code != "RESOURCE_ALREADY_EXISTS" or there is None:
            raise
        return there


def all_runs(store: Store, filter_string: str = "") -> list[MlflowRun]:
    """Return all runs of the experiment that are not deleted; a search alone stops at 1,000."""
    page = store.client.search_runs([store.experiment_id], filter_string)
    runs = list(page)
    while page.token:
        page = store.client.search_runs([store.experiment_id], filter_string, page_token=page.token)
        runs += page
    return runs


def _import_client() -> type[MlflowClient]:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # MLflow's own use of SQLAlchemy 2.1; nobody who runs a study can do anything about it.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    from mlflow import MlflowClient

    keep_journals()
    return MlflowClient
