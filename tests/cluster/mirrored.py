"""What MLflow has of a study at the end, held against what it is to have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ablate.store.tracking import all_runs, open_store


def children(root: Path, study: str = "s") -> list[Any]:
    """Return the runs of replicates that are closed."""
    runs = all_runs(open_store(root, study, "?"), "tags.`ablate.kind` = 'replicate'")
    return [run for run in runs if run.info.status != "RUNNING"]


def check_whole(root: Path, study: str, cells: int, replicates: int) -> list[Any]:
    """Assert that each cell and each replicate is there once, closed, with its file, in its place.

    Returns the runs of the cells.
    """
    store = open_store(root, study, "?")
    runs = all_runs(store)
    assert {run.info.status for run in runs} == {"FINISHED"}
    of_kind = {kind: [run for run in runs if run.data.tags["ablate.kind"] == kind]
               for kind in ("cell", "replicate")}  # fmt: skip
    found = Counter((run.data.tags["ablate.cell"], run.data.tags["ablate.key"])
                    for run in of_kind["replicate"])  # fmt: skip
    assert set(found.values()) == {1}
    assert len(found) == cells * replicates
    keys = {run.info.run_id: run.data.tags["ablate.key"] for run in of_kind["cell"]}
    assert len(keys) == len(set(keys.values())) == cells
    for run in of_kind["replicate"]:
        assert keys[run.data.tags["mlflow.parentRunId"]] == run.data.tags["ablate.cell"]
        files = {file.path for file in store.client.list_artifacts(run.info.run_id)}
        assert files == {"config.yaml"}
        assert run.data.metrics["test/accuracy"] >= 0
    assert {run.data.metrics["n"] for run in of_kind["cell"]} == {replicates}
    return of_kind["cell"]
