"""The state of a run, said once: what its folder and its key make of it."""

from collections import Counter
from pathlib import Path

import pytest
from older_entries import as_written_before
from store_samples import a_cell, a_diverged_record, a_record, add_failure, add_run

from ablate.report.frame import frames
from ablate.store.files import LedgerError
from ablate.store.index import Index, read_index, write_index
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
        write_index(tmp_path, name, Index([a_cell()]))
    add_run(tmp_path, a_cell(), 0, study="never-ended")
    write_index(tmp_path, ".stale", Index([a_cell()]))
    assert studies(tmp_path) == sorted(names)


@pytest.mark.parametrize("schema", [2, 3])
@pytest.mark.parametrize("name", ["config.yaml", "metrics.jsonl", "arrays.npz", "result.json"])
@pytest.mark.parametrize("how", ["gone", "altered", "a folder"])
def test_a_run_is_complete_where_a_report_can_read_it_and_only_there(
    tmp_path: Path, name: str, how: str, schema: int
) -> None:
    cell = a_cell(replicates=1)
    entry = add_run(tmp_path, cell, 0, a_record(probe={}))
    if schema == 2:
        as_written_before(entry, schema)
        name = name.replace("arrays", "curve")
    known, result = state(entry, None)
    assert (known, result is None) == ("done", False)
    assert len(frames(tmp_path, "s", [cell]).runs) == 1
    path = result.path_of(entry, name)
    content = path.read_bytes()
    path.unlink()
    if how == "altered":
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
    elif how == "a folder":
        path.mkdir()
    unfinished = (name, how) == ("result.json", "gone")
    assert state(entry, None)[0] == ("missing" if unfinished else "damaged")
    if unfinished:
        assert frames(tmp_path, "s", [cell]).runs.empty
    else:
        with pytest.raises(LedgerError, match=path.name.replace(".", r"\.")):
            frames(tmp_path, "s", [cell])


@pytest.mark.parametrize("text", ["[", "[" * 200_000, "[]", "{}", None])
def test_an_index_that_is_not_what_was_written_is_named(tmp_path: Path, text: str | None) -> None:
    write_index(tmp_path, "s", Index([a_cell(replicates=2)]))
    path = tmp_path / "runs" / "s" / "index.json"
    path.write_text(text or path.read_text().replace('"replicates": 2', '"replicates": 1'))
    with pytest.raises(LedgerError, match=r"index\.json is damaged"):
        read_index(tmp_path, "s")
    write_index(tmp_path, "s", Index([a_cell(replicates=2)]))
    assert read_index(tmp_path, "s") == [a_cell(replicates=2)]
