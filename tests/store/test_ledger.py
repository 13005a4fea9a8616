from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from older_entries import as_written_before
from store_samples import CONFIG, PROVENANCE, STARTED, a_diverged_record, a_record

from ablate.store.adopt import adopt_entry, entry_files
from ablate.store.commit import remove_abandoned
from ablate.store.compared import compared_bytes
from ablate.store.files import LedgerError, json_bytes, parse_json
from ablate.store.ledger import move_stale, run_directory, write_failure, write_run
from ablate.store.reader import tuned_value
from ablate.store.result import read_result
from ablate.store.state import state
from whole_run import read_run

KEY = "0123456789abcdef" * 4


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Return a folder below the test's own: an entry has its config beside it."""
    return tmp_path / "cell"


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
    assert tuned_value(tmp_path, "optimizer.lr", run.result) == 0.0005
    assert tuned_value(tmp_path, "optimizer.lr.no", run.result) is None


def test_a_diverged_run_has_a_reason_and_no_predictions(tmp_path: Path) -> None:
    write_run(tmp_path, a_diverged_record(), CONFIG, KEY, PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert (run.result.nc_reason, run.result.diverged_at_step) == ("nonfinite", 7)
    assert run.predictions is None


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
    assert one[file] != other.get(file)


@pytest.mark.parametrize("cut", range(6))
def test_killed_at_any_write_there_is_no_entry_or_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """The process dies at its cut-th change of the file system, over a failed entry."""
    write_failure(tmp_path, KEY, "It broke.", "", CONFIG, PROVENANCE, STARTED)
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
        for name in ("write_bytes", "rename", "mkdir"):
            patched.setattr(Path, name, dying(getattr(Path, name)))
        with pytest.raises(KeyboardInterrupt):
            write_run(tmp_path, other, CONFIG, KEY, PROVENANCE, STARTED)
    result = read_result(tmp_path)
    assert result is None or result.status == "failed"
    assert write_run(tmp_path, other, CONFIG, KEY, PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert run.predictions is None
    assert not [path for path in tmp_path.parent.iterdir() if path.name.startswith(".")]


def test_an_entry_is_three_files_and_the_config_that_its_neighbours_share(tmp_path: Path) -> None:
    write(tmp_path / "0")
    write(tmp_path / "1", replicate=1)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    config = next(path.name for path in tmp_path.glob("config-*.yaml"))
    names = ("arrays.npz", "metrics.jsonl", "result.json")
    assert files == [*(f"{r}/{name}" for r in "01" for name in names), config]


def test_of_two_good_entries_under_a_key_the_first_stays(tmp_path: Path) -> None:
    """Another worker has trained the run meanwhile: it has the same numbers."""
    assert write_run(tmp_path, a_record(seconds=1.0), CONFIG, KEY, PROVENANCE, STARTED)
    assert not write_run(tmp_path, a_record(seconds=2.0), CONFIG, KEY, PROVENANCE, STARTED)
    assert not write_failure(tmp_path, KEY, "Too late.", "", CONFIG, PROVENANCE, None)
    result = read_result(tmp_path)
    assert result is not None
    assert (result.status, result.seconds) == ("done", 1.0)
    assert [path.name for path in tmp_path.parent.iterdir() if path.suffix != ".yaml"] == ["cell"]


@pytest.mark.parametrize("there", ["failed", "another key", "damaged", "unfinished"])
def test_what_is_no_good_entry_under_this_key_is_replaced(tmp_path: Path, there: str) -> None:
    if there == "failed":
        write_failure(tmp_path, KEY, "It broke.", "", CONFIG, PROVENANCE, STARTED)
    elif there == "another key":
        write_run(tmp_path, a_record(), CONFIG, "other", PROVENANCE, STARTED)
    else:
        tmp_path.mkdir(parents=True)
        (tmp_path / ("result.json" if there == "damaged" else "config.yaml")).write_text("{")
    assert write_run(tmp_path, a_record(), CONFIG, KEY, PROVENANCE, STARTED)
    run = read_run(tmp_path)
    assert run is not None
    assert (run.result.status, run.result.key) == ("done", KEY)


def test_many_writers_of_one_entry_leave_a_whole_one(tmp_path: Path) -> None:
    """With a temporary name for all of them, an eighth of the writes failed."""
    with ThreadPoolExecutor(8) as pool:
        ours = list(pool.map(lambda _: write_run(
            tmp_path, a_record(), CONFIG, KEY, PROVENANCE, STARTED
        ), range(200)))  # fmt: skip
    assert ours.count(True) == 1
    assert read_run(tmp_path) is not None
    assert [path.name for path in tmp_path.parent.iterdir() if path.suffix != ".yaml"] == ["cell"]


def test_what_a_killed_process_was_writing_is_removed_when_it_is_old(tmp_path: Path) -> None:
    cell = run_directory(tmp_path, "s", "c", 0).parent
    old, fresh = cell / ".0.abc.staged", cell / "tune" / "lr=1" / ".0.def.staged"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").touch()
    os.utime(old, (1, 1))
    remove_abandoned(tmp_path / "runs" / "s")
    assert not old.exists()
    assert fresh.exists()


def test_a_failure_keeps_message_and_traceback(tmp_path: Path) -> None:
    write_failure(tmp_path, KEY, "The worker died.", "Traceback ...", CONFIG, PROVENANCE, None)
    run = read_run(tmp_path)
    assert run is not None
    assert (run.result.status, run.result.message) == ("failed", "The worker died.")
    assert "Traceback" in (tmp_path / "error.log").read_text()
    assert (run.config, run.evaluations, run.predictions) == (CONFIG, (), None)


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


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_an_entry_comes_whole_into_another_ledger(tmp_path: Path, schema: int) -> None:
    old = write(tmp_path / "there" / "0")
    if schema < 3:
        as_written_before(old, schema)
    new = tmp_path / "here" / "0"
    assert adopt_entry(new, entry_files(old), KEY)
    assert state(new, KEY)[0] == "done"
    assert compared_bytes(new) == compared_bytes(old)
