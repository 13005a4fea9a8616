from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import CONFIG, PROVENANCE, STARTED, a_diverged_record, a_record

import ablate.store.ledger as ledger
from ablate.errors import AblateError
from ablate.store.files import LedgerError, json_bytes, parse_json, sha256
from ablate.store.ledger import compared_bytes, move_stale, run_directory, write_failure, write_run
from ablate.store.reader import check_whole, tuned_value
from ablate.store.result import read_result
from whole_run import read_run

KEY = "0123456789abcdef" * 4


def write(directory: Path, **changes: object) -> Path:
    write_run(directory, a_record(**changes), CONFIG, KEY, PROVENANCE, STARTED)
    return directory


def test_folders_of_scored_and_tuning_runs(tmp_path: Path) -> None:
    scored = run_directory(tmp_path, "s", "init=he-12", 3)
    tuning = run_directory(tmp_path, "s", "init=he-12", 0, branch="lr=0.1")
    assert scored == tmp_path / "runs/s/init=he-12/3"
    assert tuning == tmp_path / "runs/s/init=he-12/tune/lr=0.1/0"


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    record = a_record(weights={"layer1.weight": np.eye(3, dtype=np.float32)})
    write_run(tmp_path, record, CONFIG, KEY, PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert run.result.status == "done"
    assert run.result.key == KEY
    assert run.result.metrics == record.metrics
    assert run.result.provenance == PROVENANCE
    assert run.config == CONFIG
    assert run.evaluations == record.evaluations
    assert (run.started, run.evaluated_at) == (STARTED, record.evaluated_at)
    np.testing.assert_array_equal(run.losses, record.losses)
    assert run.predictions is not None
    np.testing.assert_array_equal(run.predictions, record.predictions)
    assert run.probe.keys() == record.probe.keys()
    for name, array in record.probe.items():
        np.testing.assert_array_equal(run.probe[name], array)
    with np.load(tmp_path / "weights.npz") as weights:
        np.testing.assert_array_equal(weights["layer1.weight"], np.eye(3))
    assert tuned_value(tmp_path, "optimizer.lr") == 0.0005
    assert tuned_value(tmp_path, "optimizer.lr.no") is None


def test_a_diverged_run_has_a_reason_and_no_predictions(tmp_path: Path) -> None:
    write(tmp_path)  # an earlier entry with predictions leaves nothing behind
    write_run(tmp_path, a_diverged_record(), CONFIG, KEY, PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert (run.result.nc_reason, run.result.diverged_at_step) == ("nonfinite", 7)
    assert run.predictions is None
    assert not (tmp_path / "predictions.npz").exists()


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a"), tmp_path / "b"
    record = a_record(seconds=99.0, evaluated_at=(1.0, 2.0, 3.0))
    record = dataclasses.replace(record, probe=dict(reversed(record.probe.items())))
    write_run(second, record, CONFIG, KEY, {"commit": "another"}, "2026-01-01T00:00:00.000Z")
    assert compared_bytes(first) == compared_bytes(second)
    assert set(compared_bytes(first)) == {
        "metrics.jsonl", "predictions.npz", "probe.npz", "result.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "file"),
    [
        ({"metrics": {"test/accuracy": 0.5}}, "result.json"),
        ({"evaluations": ({"step": 0, "train/loss": 1.0},)}, "metrics.jsonl"),
        ({"predictions": np.zeros((2, 10), np.float16)}, "predictions.npz"),
        ({"probe": {}}, "probe.npz"),
        ({"nc_reason": "no_progress"}, "result.json"),
    ],
    ids=["metrics", "evaluations", "predictions", "probe", "status"],
)
def test_other_numbers_give_other_bytes(tmp_path: Path, changes: dict, file: str) -> None:
    one, other = (
        compared_bytes(write(tmp_path / "a")),
        compared_bytes(write(tmp_path / "b", **changes)),
    )
    assert one[file] != other[file]


@pytest.mark.parametrize("cut", range(10))
def test_killed_at_any_write_the_run_is_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """The process dies at its cut-th change of the file system, over a finished entry."""
    write(tmp_path)
    count = 0

    def dying(function: object) -> object:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count > cut:
                raise KeyboardInterrupt
            return function(*args, **kwargs)  # type: ignore[operator]

        return call

    other = a_record(7, weights={"w": np.ones(3)}, predictions=None)
    with monkeypatch.context() as patched:
        for name in ("write_bytes", "unlink", "replace"):
            patched.setattr(Path, name, dying(getattr(Path, name)))
        with pytest.raises(KeyboardInterrupt):
            write_run(tmp_path, other, CONFIG, "other", PROVENANCE, STARTED)
    result = read_result(tmp_path)
    if cut == 0:
        assert result is not None  # nothing touched yet
        assert read_run(tmp_path) is not None
    else:
        assert result is None
    write_run(tmp_path, other, CONFIG, "other", PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert run.predictions is None


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.yaml", "curve.npz", "evaluated_at.json", "metrics.jsonl", "predictions.npz",
        "probe.npz", "result.json",
    ]  # fmt: skip


def test_a_failure_keeps_message_and_traceback(tmp_path: Path) -> None:
    write(tmp_path)
    write_failure(tmp_path, KEY, "The worker died.", "Traceback ...", CONFIG, PROVENANCE, None)
    run = read_run(tmp_path)
    assert run is not None
    assert (run.result.status, run.result.message) == ("failed", "The worker died.")
    assert "Traceback" in (tmp_path / "error.log").read_text()
    assert run.evaluations == ()
    assert not (tmp_path / "predictions.npz").exists()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"schema": 1}', '{"schema": 99}', "\x00" * 40,
    ],
    ids=["empty", "cut", "list", "null", "no_fields", "newer", "zeros"],
)  # fmt: skip
def test_a_damaged_result_is_named(tmp_path: Path, text: str) -> None:
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
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(AblateError, match=name):
        read_result(tmp_path)


def test_nan_in_a_result_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "result.json"
    path.write_text(path.read_text().replace("0.25", "NaN"))
    with pytest.raises(LedgerError, match="NaN"):
        read_result(tmp_path)


@pytest.mark.parametrize("name", ["metrics.jsonl", "probe.npz", "predictions.npz"])
def test_a_damaged_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=name):
        read_run(tmp_path)
    path.unlink()
    with pytest.raises(LedgerError, match=f"{name} is missing"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["config.yaml", "curve.npz", "evaluated_at.json"])
def test_files_without_a_digest_are_named_when_damaged(tmp_path: Path, name: str) -> None:
    (write(tmp_path) / name).write_bytes(b"{ [")
    with pytest.raises(LedgerError, match=name):
        read_run(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_nothing_is_written_for_a_metric_that_is_not_finite(tmp_path: Path, value: float) -> None:
    with pytest.raises(LedgerError, match="finite"):
        write(tmp_path / "run", metrics={"test/loss": value})
    with pytest.raises(LedgerError, match=r"metrics\.jsonl"):
        write(tmp_path / "run", evaluations=({"step": 0, "train/loss": value},))
    assert not (tmp_path / "run").exists()


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.floats(width=32) | st.integers(-(2**60), 2**60) | st.text(max_size=5) | st.none(),
    )
)
def test_json_holds_finite_values_and_nothing_else(content: dict[str, object]) -> None:
    finite = all(not isinstance(v, float) or np.isfinite(v) for v in content.values())
    path = Path("x.json")
    as_numpy = {k: np.float32(v) if isinstance(v, float) else v for k, v in content.items()}
    for values in (content, as_numpy):
        if finite:
            text = json_bytes(values, path)
            assert parse_json(text, path) == content  # 32-bit floats are exact in JSON's doubles
            assert text == json_bytes(dict(reversed(values.items())), path)
        else:
            with pytest.raises(LedgerError, match=r"x\.json"):
                json_bytes(values, path)


def test_stale_entries_move_and_never_overwrite_each_other(tmp_path: Path) -> None:
    targets = []
    for _ in range(3):
        directory = write(run_directory(tmp_path, "s", "c", 0))
        targets.append(move_stale(directory, tmp_path))
        assert not directory.exists()
    folder = tmp_path / "runs/.stale/s/c"
    assert targets == [folder / f"0-{KEY[:8]}{end}" for end in ("", "-2", "-3")]
    assert all(read_run(target) is not None for target in targets)


def test_stale_tuning_unfinished_and_damaged_entries_move_too(tmp_path: Path) -> None:
    tuning = write(run_directory(tmp_path, "s", "c", 0, branch="lr=1"))
    assert move_stale(tuning, tmp_path) == tmp_path / f"runs/.stale/s/c/tune/lr=1/0-{KEY[:8]}"
    unfinished = run_directory(tmp_path, "s", "c", 1)
    unfinished.mkdir(parents=True)
    assert move_stale(unfinished, tmp_path).name == "1-unfinished"
    damaged = write(run_directory(tmp_path, "s", "c", 2))
    (damaged / "result.json").write_text("{")
    assert move_stale(damaged, tmp_path).name == "2-damaged"


def test_an_unfinished_run_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="unfinished"):
        compared_bytes(tmp_path)


def test_every_file_is_known_to_the_cleaning(tmp_path: Path) -> None:
    """A file that `_FILES` did not name would outlive its entry when a run is replaced."""
    write(tmp_path, weights={"w": np.ones(1)})
    write_failure(tmp_path / "f", KEY, "No.", "", CONFIG, PROVENANCE, STARTED)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {*ledger._FILES, "result.json"}


@pytest.mark.parametrize(
    "alter",
    [
        lambda fields: fields["metrics"].update({"test/accuracy": 0.999}),
        lambda fields: fields["metrics"].pop("test/accuracy"),
        lambda fields: fields.update(status="diverged"),
        lambda fields: fields.update(seconds=0.1),
        lambda fields: fields["provenance"].update(commit="another"),
        lambda fields: fields["digests"].pop("probe.npz"),
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


def as_version_0_1_wrote_it(directory: Path, **changes: object) -> None:
    path = directory / "result.json"
    fields = json.loads(path.read_text()) | changes
    del fields["digest"]
    predictions = directory / "predictions.npz"
    with np.load(predictions) as arrays:
        np.savez_compressed(predictions, **arrays)
    fields["digests"]["predictions.npz"] = sha256(predictions.read_bytes())
    compared = {name: fields["digests"][name] for name in ledger.COMPARED}
    path.write_text(json.dumps(fields | {"schema": 1, "digests": compared}))


def test_an_entry_of_version_0_1_is_read_and_equal_to_todays(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old"), write(tmp_path / "new")
    as_version_0_1_wrote_it(old)
    result = read_result(old)
    assert result is not None
    check_whole(old, result)
    assert compared_bytes(old) == compared_bytes(new)
    as_version_0_1_wrote_it(write(tmp_path / "old"), metrics={"test/accuracy": "good"})
    with pytest.raises(LedgerError, match="metric 'test/accuracy' is 'good'"):
        read_result(old)


@pytest.mark.parametrize("name", ["config.yaml", "curve.npz", "evaluated_at.json"])
@pytest.mark.parametrize("content", [None, b"{ ["])
def test_what_had_no_digest_in_version_0_1_must_be_readable(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    as_version_0_1_wrote_it(write(tmp_path))
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
    as_version_0_1_wrote_it(write(tmp_path), provenance={"versions": []})
    with pytest.raises(LedgerError, match=r"'provenance\.versions' is \[\]"):
        read_result(tmp_path)
