"""A cell seen at a glance: as run by run, but for what only reading a file tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from older_entries import as_written_before
from store_samples import a_cell, a_diverged_record, add_failure, add_run

from ablate.store.files import json_bytes, sealed
from ablate.store.glance import states
from ablate.store.result import CONFIG, read_result
from ablate.store.state import state


def seen(root: Path, cell):
    return list(states(root / "runs" / "s" / cell.slug, cell))


def one_by_one(root: Path, cell):
    folder = root / "runs" / "s" / cell.slug
    return [state(folder / str(r), cell.expected(r))[0] for r in range(cell.replicates)]


def test_every_state_as_it_is_run_by_run(tmp_path: Path) -> None:
    cell = a_cell(replicates=9)
    keys = [f"{cell.key}-{replicate}" for replicate in range(9)]
    cell = a_cell(replicates=9, run_keys=(*keys[:8], "another"))
    add_run(tmp_path, cell, 0)
    add_run(tmp_path, cell, 1, a_diverged_record())
    add_failure(tmp_path, cell, 2)
    (add_run(tmp_path, cell, 3) / "result.json").write_text('{"schema": 1')
    as_written_before(add_run(tmp_path, cell, 4), 2)
    (add_run(tmp_path, cell, 5) / "metrics.jsonl").unlink()
    with (add_run(tmp_path, cell, 6) / "arrays.npz").open("ab") as stream:
        stream.write(b"more")
    add_run(tmp_path, cell, 8)
    expected = [
        "done", "not_converged", "failed", "damaged", "done", "damaged", "damaged", "missing",
        "stale",
    ]  # fmt: skip
    assert seen(tmp_path, cell) == expected
    assert one_by_one(tmp_path, cell) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "finished"), ("schema", 99), ("schema", None), ("sizes", None), ("more", 1)],
)
def test_a_result_of_another_form_is_damaged(tmp_path: Path, name: str, value: object) -> None:
    cell = a_cell(replicates=1)
    path = add_run(tmp_path, cell, 0) / "result.json"
    fields = {**json.loads(path.read_text()), name: value}
    del fields["digest"]
    path.write_bytes(json_bytes(sealed(fields, path), path))
    assert seen(tmp_path, cell) == one_by_one(tmp_path, cell) == ["damaged"]


def test_an_altered_result_is_damaged_and_an_altered_file_of_the_same_size_is_not_read(
    tmp_path: Path,
) -> None:
    cell = a_cell(replicates=2)
    for replicate in (0, 1):
        add_run(tmp_path, cell, replicate)
    folder = tmp_path / "runs" / "s" / cell.slug
    path = folder / "0" / "result.json"
    path.write_text(path.read_text().replace('"status": "done"', '"status": "diverged"'))
    arrays = folder / "1" / "arrays.npz"
    arrays.write_bytes(bytes(arrays.stat().st_size))
    assert seen(tmp_path, cell) == ["damaged", "done"]
    assert one_by_one(tmp_path, cell) == ["damaged", "damaged"]


def test_without_the_shared_config_no_run_is_whole(tmp_path: Path) -> None:
    cell = a_cell(replicates=3)
    for replicate in range(3):
        directory = add_run(tmp_path, cell, replicate)
    result = read_result(directory)
    assert result is not None
    result.path_of(directory, CONFIG).unlink()
    assert seen(tmp_path, cell) == one_by_one(tmp_path, cell) == ["damaged"] * 3
