"""Eight processes and a store that does not exist yet: every run has to arrive."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from store_samples import a_cell, add_run

from ablate.store.mirror import mirror_run
from ablate.store.parent import start_cell
from ablate.store.result import read_result
from ablate.store.sync import Synced, sync
from ablate.store.tracking import all_runs, open_store

PROCESSES, REPLICATES = 8, 10


def work(root: Path, process: int, start: Barrier) -> None:
    cell = a_cell("he" if process % 2 else "xavier", replicates=PROCESSES * REPLICATES)
    start.wait()
    store = open_store(root, "s", "?")
    parent = start_cell(store, cell)
    for replicate in range(process * REPLICATES, (process + 1) * REPLICATES):
        result = read_result(add_run(root, cell, replicate))
        assert result is not None
        mirror_run(store, cell, replicate, result, parent)


@pytest.mark.slow
def test_all_runs_of_all_processes_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    workers = [context.Process(target=work, args=(tmp_path, p, start)) for p in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    runs = all_runs(open_store(tmp_path, "s", "?"))
    children = [run for run in runs if run.data.tags["ablate.kind"] == "replicate"]
    assert len(runs) - len(children) == 2  # one parent per cell, whoever came first
    assert len(children) == PROCESSES * REPLICATES
    assert {run.info.status for run in children} == {"FINISHED"}
    assert all(run.data.metrics["test/accuracy"] > 0.8 for run in children)
    cells = [a_cell(level, replicates=PROCESSES * REPLICATES) for level in ("he", "xavier")]
    assert sync(tmp_path, "s", "?", cells) == Synced(written=0, kept=80, deleted=0)
