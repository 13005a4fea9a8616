"""Folders that sweep one study into one store of MLflow: each run is there once, while one has it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from store_samples import a_cell, a_record, add_failure, add_run

from ablate.store.held import holders, stand_in
from ablate.store.live import LiveMirror
from ablate.store.mirror import mirror_run
from ablate.store.parent import create_parent, start_cell
from ablate.store.reader import finished
from ablate.store.report_run import ReportPage
from ablate.store.sync import Synced, sync
from ablate.store.tracking import all_runs, open_store


@pytest.fixture
def roots(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    shutil.copy(empty_mlflow, tmp_path / "shared.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/shared.db")
    return tmp_path / "one", tmp_path / "other"


def runs_of(root: Path, kind: str) -> list[Any]:
    return all_runs(open_store(root, "s", "?"), f"tags.`ablate.kind` = '{kind}'")


def counted(root: Path) -> tuple[int, int]:
    return len(runs_of(root, "cell")), len(runs_of(root, "replicate"))


def test_the_same_training_of_another_folder_is_not_written_again(
    roots: tuple[Path, Path],
) -> None:
    cell = a_cell()
    for root in roots:
        for replicate in range(3):
            # The same bits in another time: the fingerprints differ.
            seconds = 1.0 if root is roots[0] else 2.0
            add_run(root, cell, replicate, a_record(replicate, seconds=seconds))
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=3, kept=0, deleted=0)
    assert sync(roots[1], "s", "?", [cell]) == Synced(written=0, kept=3, deleted=0)
    for root in roots:
        assert sync(root, "s", "?", [cell]) == Synced(written=0, kept=3, deleted=0)
    assert counted(roots[0]) == (1, 3)
    assert {len(holders(run)) for run in runs_of(roots[0], "replicate")} == {2}


def test_a_run_goes_with_the_last_ledger_that_has_it(roots: tuple[Path, Path]) -> None:
    cell, gone = a_cell("he", replicates=1), a_cell("gone", replicates=1)
    for root in roots:
        for one in (cell, gone):
            add_run(root, one, 0)
        sync(root, "s", "?", [cell, gone])
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=0, kept=1, deleted=1)
    assert counted(roots[0]) == (2, 2)
    assert sync(roots[1], "s", "?", [cell, gone]) == Synced(written=0, kept=2, deleted=0)
    assert sync(roots[1], "s", "?", [cell]) == Synced(written=0, kept=1, deleted=1)
    assert counted(roots[0]) == (1, 1)


def test_a_cell_counts_the_runs_of_all_folders(roots: tuple[Path, Path]) -> None:
    cell = a_cell(replicates=4)
    for root, replicates in zip(roots, ([0, 1], [2, 3]), strict=True):
        for replicate in replicates:
            add_run(root, cell, replicate)
        sync(root, "s", "?", [cell])
    (parent,) = runs_of(roots[0], "cell")
    assert parent.data.metrics["mean"] == pytest.approx(0.915)
    assert (parent.data.metrics["n"], parent.info.status) == (4, "FINISHED")
    # Who looks at less of it does not say otherwise.
    for root in roots:
        assert sync(root, "s", "?", [cell]) == Synced(written=0, kept=2, deleted=0)
    assert runs_of(roots[0], "cell")[0].data.metrics == parent.data.metrics


@pytest.mark.parametrize("first", [0, 1], ids=["one ends first", "the other ends first"])
def test_what_two_made_at_once_becomes_one(roots: tuple[Path, Path], first: int) -> None:
    cell = a_cell(replicates=2)
    stores = [open_store(root, "s", "?") for root in roots]
    for root, store in zip(roots, stores, strict=True):
        add_run(root, cell, 0)
        parent = create_parent(store, cell)  # neither has seen the other's
        for replicate, _, result in finished(root, "s", cell):
            mirror_run(store, cell, replicate, result, parent)
    assert counted(roots[0]) == (2, 2)
    add_run(roots[1 - first], cell, 1)
    # Whoever comes sees the same run first, and hangs everybody's below it.
    assert len({start_cell(store, cell) for store in stores}) == 1
    for root in (roots[first], roots[1 - first]):
        sync(root, "s", "?", [cell])
    (parent,) = runs_of(roots[0], "cell")
    children = runs_of(roots[0], "replicate")
    assert len(children) == 2
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert sorted(len(holders(run)) for run in children) == [1, 2]
    assert parent.data.metrics["n"] == 2


def test_what_comes_while_one_looks_is_seen_before_it_ends(
    roots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look and what it leads to, another folder writes the same runs, and ends."""
    from ablate.store import sync as module

    cell = a_cell(replicates=2)
    for root in roots:
        for replicate in range(2):
            add_run(root, cell, replicate)
    bring_up = module._bring_up

    def late(*found: Any) -> tuple[bool, bool]:
        monkeypatch.setattr(module, "_bring_up", bring_up)
        assert sync(roots[1], "s", "?", [cell]).written == 2
        return bring_up(*found)

    monkeypatch.setattr(module, "_bring_up", late)
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=2, kept=0, deleted=2)
    assert counted(roots[0]) == (1, 2)
    assert {len(holders(run)) for run in runs_of(roots[0], "replicate")} == {2}


def test_a_failed_run_gives_way_to_one_that_did_not(roots: tuple[Path, Path]) -> None:
    cell = a_cell(replicates=1)
    add_failure(roots[0], cell, 0)
    sync(roots[0], "s", "?", [cell])
    add_run(roots[1], cell, 0)
    sync(roots[1], "s", "?", [cell])
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=0, kept=1, deleted=0)
    (child,), (parent,) = runs_of(roots[0], "replicate"), runs_of(roots[0], "cell")
    assert child.data.tags["ablate.status"] == "done"
    assert parent.data.metrics["n_failed"] == 0


def test_other_data_or_code_behind_a_cell_has_a_run_of_its_own(roots: tuple[Path, Path]) -> None:
    """A mean over both would be one of two experiments."""
    for key, root in zip(("here", "there"), roots, strict=True):
        cell = a_cell(replicates=1, run_keys=(key,))
        sync(root, "s", "?", [cell])
        assert start_cell(open_store(root, "s", "?"), cell)
    assert counted(roots[0]) == (2, 0)


def test_a_run_that_another_folder_writes_just_now_is_left_alone(
    roots: tuple[Path, Path],
) -> None:
    cell = a_cell(replicates=1)
    other = open_store(roots[1], "s", "?")
    tags = {"ablate.kind": "replicate", "ablate.key": "he-cell-key-0", "ablate.cell": cell.key}
    half = other.client.create_run(other.experiment_id, tags={**tags, other.ledger: "yes"})
    add_run(roots[0], cell, 0)
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=1, kept=0, deleted=0)
    assert half.info.run_id in {run.info.run_id for run in runs_of(roots[0], "replicate")}
    assert sync(roots[1], "s", "?", []).deleted == 1  # its own folder closes it


def test_the_live_mirror_leaves_what_another_folder_has(roots: tuple[Path, Path]) -> None:
    cell = a_cell(replicates=2)
    for root in roots:
        mirror = LiveMirror(root, "s", "?")
        for replicate in range(2):
            add_run(root, cell, replicate)
            mirror.run_ended(cell, replicate)
        assert mirror.close() is None
    assert counted(roots[0]) == (1, 2)


def test_each_ledger_has_a_report_of_its_own(roots: tuple[Path, Path]) -> None:
    pages = []
    for root in roots:
        folder = root / "reports" / "s"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(root.name)
        pages.append(ReportPage(folder))
    for root, page in [*zip(roots, pages, strict=True)] * 2:
        sync(root, "s", "?", [], page)
    assert len(runs_of(roots[0], "report")) == 2


def test_a_double_stays_where_what_stands_for_it_is_gone(roots: tuple[Path, Path]) -> None:
    store = open_store(roots[0], "s", "?")
    runs = [store.client.create_run(store.experiment_id, tags={"ablate.kind": "cell",
            store.ledger: "yes"}) for _ in range(2)]  # fmt: skip
    store.client.delete_run(runs[1].info.run_id)
    stand_in(store, runs[0], stays=runs[1].info.run_id)
    assert [run.info.run_id for run in runs_of(roots[0], "cell")] == [runs[0].info.run_id]


def test_a_store_of_version_0_1_is_taken_over(roots: tuple[Path, Path]) -> None:
    """It knew of one ledger, and had no tags of any."""
    cell, gone = a_cell(replicates=1), a_cell("gone", replicates=1)
    for one in (cell, gone):
        add_run(roots[0], one, 0)
    sync(roots[0], "s", "?", [cell, gone])
    store = open_store(roots[0], "s", "?")
    for run in all_runs(store):
        for tag in (store.ledger, "ablate.identity"):
            if tag in run.data.tags:
                store.client.delete_tag(run.info.run_id, tag)
    before = {run.info.run_id for run in all_runs(store)}
    assert sync(roots[0], "s", "?", [cell]) == Synced(written=0, kept=1, deleted=1)
    runs = all_runs(store)
    assert {run.info.run_id for run in runs} < before
    assert {frozenset(holders(run)) for run in runs} == {frozenset([store.ledger])}
