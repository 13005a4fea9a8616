"""Entries that are read: damaged ones, altered ones, and those of before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from older_entries import as_written_before
from store_samples import CONFIG, PROVENANCE, STARTED, a_record

from ablate.errors import AblateError
from ablate.store.compared import compared_bytes
from ablate.store.files import LedgerError, json_bytes, parse_json, sealed
from ablate.store.ledger import move_stale, run_directory, write_run
from ablate.store.reader import check_whole
from ablate.store.result import read_result
from whole_run import read_run

KEY = "0123456789abcdef" * 4


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Return a folder below the test's own: an entry has its config beside it."""
    return tmp_path / "cell"


def write(directory: Path, **changes: object) -> Path:
    write_run(directory, a_record(**changes), CONFIG, KEY, PROVENANCE, STARTED)
    return directory


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"schema": 1}', '{"schema": 99}', "\x00" * 40,
    ],
    ids=["empty", "cut", "list", "null", "no_fields", "newer", "zeros"],
)  # fmt: skip
def test_a_damaged_result_is_named(tmp_path: Path, text: str) -> None:
    tmp_path.mkdir(parents=True)
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(LedgerError, match=r"result\.json"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "finished"), ("metrics", None), ("parameters", 1.5), ("key", 5), ("more", 1)],
)
def test_a_result_with_a_wrong_field_is_refused(tmp_path: Path, name: str, value: object) -> None:
    write(tmp_path)
    path = tmp_path / "result.json"
    fields = {**json.loads(path.read_text()), name: value}
    del fields["digest"]
    path.write_bytes(json_bytes(sealed(fields, path), path))
    with pytest.raises(AblateError, match=name):
        read_result(tmp_path)


def test_nan_in_a_result_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "result.json"
    path.write_text(path.read_text().replace("0.25", "NaN"))
    with pytest.raises(LedgerError, match="NaN"):
        read_result(tmp_path)


@pytest.mark.parametrize("name", ["metrics.jsonl", "arrays.npz", "config.yaml"])
def test_a_damaged_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    path = result.path_of(tmp_path, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=path.name):
        read_run(tmp_path)
    path.unlink()
    with pytest.raises(LedgerError, match=f"{path.name} is missing"):
        check_whole(tmp_path, result)


@pytest.mark.parametrize(
    "alter",
    [
        lambda fields: fields["metrics"].update({"test/accuracy": 0.999}),
        lambda fields: fields["metrics"].pop("test/accuracy"),
        lambda fields: fields.update(status="diverged"),
        lambda fields: fields.update(seconds=0.1),
        lambda fields: fields["provenance"].update(commit="another"),
        lambda fields: fields["digests"].pop("arrays.npz"),
        lambda fields: fields.pop("digest"),
    ],
    ids=["metric", "lost_metric", "status", "seconds", "commit", "lost_digest", "own_digest"],
)
def test_an_altered_result_is_not_believed(tmp_path: Path, alter: Any) -> None:
    path = write(tmp_path) / "result.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields))  # other spaces say the same
    assert read_result(tmp_path) is not None
    alter(fields)
    path.write_text(json.dumps(fields))
    with pytest.raises(LedgerError, match=r"result\.json is damaged"):
        read_result(tmp_path)


@pytest.mark.parametrize("schema", [1, 2])
def test_an_older_entry_is_read_and_equal_to_todays(tmp_path: Path, schema: int) -> None:
    old, new = write(tmp_path / "old"), write(tmp_path / "new")
    expected = read_run(new)
    as_written_before(old, schema)
    result = read_result(old)
    assert result is not None
    check_whole(old, result)
    assert compared_bytes(old) == compared_bytes(new)
    run = read_run(old)
    assert run is not None
    assert expected is not None
    assert (run.config, run.started, run.evaluated_at) == (
        expected.config, expected.started, expected.evaluated_at,
    )  # fmt: skip
    np.testing.assert_array_equal(run.losses, expected.losses)


def test_an_older_entry_moves_with_its_files(tmp_path: Path) -> None:
    entry = write(run_directory(tmp_path, "s", "c", 0))
    as_written_before(entry, 2)
    moved = read_run(move_stale(entry, tmp_path))
    assert moved is not None
    assert moved.config == CONFIG


def test_a_metric_of_another_type_is_named_in_version_0_1(tmp_path: Path) -> None:
    as_written_before(write(tmp_path), 1, metrics={"test/accuracy": "good"})
    with pytest.raises(LedgerError, match="metric 'test/accuracy' is 'good'"):
        read_result(tmp_path)


@pytest.mark.parametrize("name", ["config.yaml", "curve.npz", "evaluated_at.json"])
@pytest.mark.parametrize("content", [None, b"{ ["])
def test_what_had_no_digest_in_version_0_1_must_be_readable(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    as_written_before(write(tmp_path), 1)
    result = read_result(tmp_path)
    assert result is not None
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LedgerError, match=name.replace(".", r"\.")):
        check_whole(tmp_path, result)


@pytest.mark.parametrize("name", ["result.json", "metrics.jsonl", "evaluated_at.json"])
def test_brackets_without_end_are_damage(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match=name.replace(".", r"\.")):
        parse_json(b"[" * 200_000, tmp_path / name)


def test_versions_of_another_form_are_named(tmp_path: Path) -> None:
    """An entry of version 0.1 has no digest of its own that would tell."""
    as_written_before(write(tmp_path), 1, provenance={"versions": []})
    with pytest.raises(LedgerError, match=r"'provenance\.versions' is \[\]"):
        read_result(tmp_path)
