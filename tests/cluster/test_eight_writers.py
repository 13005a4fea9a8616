"""Eight folders sweep one study into one fresh store at once: nothing twice, nothing lost."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from mirrored import check_whole
from servers import Tracker
from store_samples import a_cell, a_record, add_run

from ablate.store.live import LiveMirror
from ablate.store.sync import Synced, sync

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
WRITERS, REPLICATES = 8, 6
CELLS = [a_cell(f"level{i}", replicates=REPLICATES) for i in range(8)]


def work(root: Path, writer: int, start: Barrier) -> None:
    """Do as a sweep does with what this folder has: half of the runs, a third of them its own."""
    mine = [(writer + offset) % REPLICATES for offset in range(3)]
    mirror = LiveMirror(root, "s", "?")
    start.wait()
    mirror.open()
    for cell in CELLS:
        for replicate in mine:
            # The same training on another machine: the same bits, and its own time.
            add_run(root, cell, replicate, a_record(replicate, seconds=1.0 + writer))
            mirror.run_ended(cell, replicate)
    assert mirror.close(timeout=500) is None, mirror.problem
    sync(root, "s", "?", CELLS)


def all_at_once(folder: Path) -> list[Path]:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WRITERS)
    roots = [folder / f"root{writer}" for writer in range(WRITERS)]
    workers = [
        context.Process(target=work, args=(root, writer, start))
        for writer, root in enumerate(roots)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * WRITERS
    return roots


def check(roots: list[Path]) -> None:
    parents = check_whole(roots[0], "s", cells=8, replicates=REPLICATES)
    # Accuracies of 0.90, 0.91, ...: of all folders' runs, whoever came last.
    assert [run.data.metrics["mean"] for run in parents] == pytest.approx([0.925] * 8)
    for root in roots:
        assert sync(root, "s", "?", CELLS) == Synced(written=0, kept=24, deleted=0)
    # What one folder gives up stays, for another has it; the last to give it up takes it along.
    assert sync(roots[0], "s", "?", []) == Synced(written=0, kept=0, deleted=24)
    check_whole(roots[1], "s", cells=8, replicates=REPLICATES)


def test_over_a_fresh_database_one_makes_its_tables(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    monkeypatch.chdir(tmp_path)
    roots = all_at_once(tmp_path)
    check(roots)
    assert not os.path.lexists(tmp_path / "mlruns")
    assert len(list(tmp_path.glob("root*/mlartifacts/s/*/artifacts/config.yaml"))) >= 48


def test_over_a_server(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.address)
    check(all_at_once(tmp_path))


def test_over_a_file_that_all_of_them_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/shared.db")
    check(all_at_once(tmp_path))
