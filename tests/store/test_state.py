"""The state of a run, said once: what its folder, its key and its worker's mark make of it."""

from collections import Counter
from pathlib import Path

import pytest
from store_samples import a_cell, a_diverged_record, add_failure, add_run

from ablate.store.index import write_index
from ablate.store.lock import marked
from ablate.store.reader import finished
from ablate.store.result import read_result
from ablate.store.state import state, state_of, studies


def test_every_state_of_a_run(tmp_path: Path) -> None:
    cell = a_cell(replicates=7)
    done = add_run(tmp_path, cell, 0)
    not_converged = add_run(tmp_path, cell, 1, a_diverged_record())
    failed = add_failure(tmp_path, cell, 2)
    damaged = add_run(tmp_path, cell, 3)
    (damaged / "result.json").write_text('{"schema": 1')
    nowhere = tmp_path / "nowhere"
    key = f"{cell.key}-0"
    assert state(done, key) == ("done", read_result(done))
    assert state(done, None)[0] == "done"
    assert state(done, "another key")[0] == "stale"
    assert state(not_converged, f"{cell.key}-1")[0] == "not_converged"
    assert state(failed, f"{cell.key}-2")[0] == "failed"
    assert state(failed, "another key")[0] == "stale"
    assert state(damaged, key) == ("damaged", None)
    assert state(nowhere, key) == ("missing", None)


def test_what_a_worker_holds_is_running_until_it_is_complete(tmp_path: Path) -> None:
    cell = a_cell()
    done, failed = add_run(tmp_path, cell, 0), add_failure(tmp_path, cell, 1)
    folders = [done, failed, tmp_path / "begun"]
    keys = [f"{cell.key}-0", f"{cell.key}-1", "any"]

    def states() -> list[str]:
        return [state(folder, key)[0] for folder, key in zip(folders, keys, strict=True)]

    with marked(folders):
        assert states() == ["done", "running", "running"]
        assert state(done, "another key")[0] == "running"
    assert states() == ["done", "failed", "missing"]


def test_finished_runs_are_those_under_their_key(tmp_path: Path) -> None:
    keys = ("he-cell-key-0", "another", "he-cell-key-2", "he-cell-key-3")
    cell = a_cell(replicates=4, run_keys=keys)
    for replicate in (0, 1):
        add_run(tmp_path, cell, replicate)
    add_failure(tmp_path, cell, 2)
    assert [replicate for replicate, _, _ in finished(tmp_path, "s", cell)] == [0, 2]
    results = [result for _, _, result in finished(tmp_path, "s", cell)]
    assert Counter(state_of(result, None) for result in results) == {"done": 1, "failed": 1}


@pytest.mark.parametrize("names", [[], ["b", "a"]])
def test_studies_are_folders_with_an_index(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write_index(tmp_path, name, [a_cell()])
    add_run(tmp_path, a_cell(), 0, study="never-ended")
    write_index(tmp_path, ".stale", [a_cell()])
    assert studies(tmp_path) == sorted(names)
