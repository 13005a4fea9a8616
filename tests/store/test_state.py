"""The state of a run, said once: what its folder, its key and its worker's mark make of it."""

from collections import Counter
from pathlib import Path

import pytest
from store_samples import a_cell, a_diverged_record, a_record, add_failure, add_run

from ablate.report.frame import frames
from ablate.store.files import LedgerError
from ablate.store.index import read_index, write_index
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


@pytest.mark.parametrize("name", [
    "config.yaml", "curve.npz", "evaluated_at.json", "metrics.jsonl", "predictions.npz",
    "probe.npz", "result.json",
])  # fmt: skip
@pytest.mark.parametrize("how", ["gone", "altered", "a folder"])
def test_a_run_is_complete_where_a_report_can_read_it_and_only_there(
    tmp_path: Path, name: str, how: str
) -> None:
    cell = a_cell(replicates=1)
    path = add_run(tmp_path, cell, 0, a_record(probe={})) / name
    assert state(path.parent, None)[0] == "done"
    assert len(frames(tmp_path, "s", [cell]).runs) == 1
    content = path.read_bytes()
    path.unlink()
    if how == "altered":
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
    elif how == "a folder":
        path.mkdir()
    unfinished = (name, how) == ("result.json", "gone")
    assert state(path.parent, None)[0] == ("missing" if unfinished else "damaged")
    if unfinished:
        assert frames(tmp_path, "s", [cell]).runs.empty
    else:
        with pytest.raises(LedgerError, match=name.replace(".", r"\.")):
            frames(tmp_path, "s", [cell])


@pytest.mark.parametrize("text", ["[", "[" * 200_000, "[]", "{}", None])
def test_an_index_that_is_not_what_was_written_is_named(tmp_path: Path, text: str | None) -> None:
    write_index(tmp_path, "s", [a_cell(replicates=2)])
    path = tmp_path / "runs" / "s" / "index.json"
    path.write_text(text or path.read_text().replace('"replicates": 2', '"replicates": 1'))
    with pytest.raises(LedgerError, match=r"index\.json is damaged"):
        read_index(tmp_path, "s")
    write_index(tmp_path, "s", [a_cell(replicates=2)])
    assert read_index(tmp_path, "s") == [a_cell(replicates=2)]
