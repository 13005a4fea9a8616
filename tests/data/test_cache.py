import hashlib
import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from ablate.data.cache import cached, open_entry
from ablate.data.readers import Examples
from ablate.data.sources import Description

INPUTS = (1, 2, 3)
THERE = Description(INPUTS, outputs=50, train=40, test=10)


def decode() -> Examples:
    x = np.arange(50 * 6, dtype=np.uint8).reshape(50, *INPUTS)
    y = np.arange(50)
    return (x[:40].copy(), y[:40].copy()), (x[40:].copy(), y[40:].copy())


def refuse() -> Examples:
    raise AssertionError("decoded again")


def assert_equal(found: Examples) -> None:
    for (x, y), (expected_x, expected_y) in zip(found, decode(), strict=True):
        np.testing.assert_array_equal(x, expected_x)
        np.testing.assert_array_equal(y, expected_y)


def test_decoded_once(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "set"
    assert open_entry(folder, THERE) is None
    assert_equal(cached(folder, THERE, decode))
    found = cached(folder, THERE, refuse)
    assert_equal(found)
    assert isinstance(found[0][0], np.memmap)
    assert [path.name for path in folder.parent.iterdir()] == ["set"]


def test_writing_to_the_arrays_does_not_reach_the_files(tmp_path: Path) -> None:
    (x, _), _ = cached(tmp_path / "set", THERE, decode)
    x[:] = 7
    assert_equal(cached(tmp_path / "set", THERE, refuse))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(b"x" * 500), id="other_file"),
        pytest.param(lambda path: np.save(path, np.zeros((40, 6), np.uint8)), id="shape"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes().replace(b"}", b"{")), id="header"
        ),
        pytest.param(lambda path: np.save(path, np.zeros((40, *INPUTS))), id="type"),
    ],
)
def test_a_damaged_entry_is_rebuilt(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    cached(tmp_path / "set", THERE, decode)
    damage(tmp_path / "set" / "train_x.npy")
    assert open_entry(tmp_path / "set", THERE) is None
    assert_equal(cached(tmp_path / "set", THERE, decode))
    assert_equal(cached(tmp_path / "set", THERE, refuse))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = cached(tmp_path / "cache" / "set", THERE, decode)
    assert_equal(found)
    assert not isinstance(found[0][0], np.memmap)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(path: Path, array: np.ndarray) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", save)
    assert_equal(cached(tmp_path / "set", THERE, decode))
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    written = []

    def decode_as_another_writes() -> Examples:
        cached(tmp_path / "set", THERE, decode)
        written.append((tmp_path / "set").stat().st_ino)
        return decode()

    assert_equal(cached(tmp_path / "set", THERE, decode_as_another_writes))
    assert written == [(tmp_path / "set").stat().st_ino]


def work(folder: Path, barrier: Barrier) -> None:
    def decode_together() -> Examples:
        barrier.wait(30)  # all have seen that there is no entry, none has written one
        (folder.parent / f"decoded-{os.getpid()}").touch()
        return decode()

    assert_equal(cached(folder, THERE, decode_together))
    assert_equal(cached(folder, THERE, refuse))


def test_four_processes_that_decode_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    folder = tmp_path / "set"
    processes = [context.Process(target=work, args=(folder, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(list(tmp_path.glob("decoded-*"))) == 4
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert_equal(cached(folder, THERE, refuse))


def test_an_entry_with_other_values_is_rebuilt(tmp_path: Path) -> None:
    """Same shapes, same sizes: every label stands one place on."""
    folder = tmp_path / "set"
    cached(folder, THERE, decode)
    np.save(folder / "train_y.npy", np.roll(np.load(folder / "train_y.npy"), 1))
    assert open_entry(folder, THERE) is None
    assert_equal(cached(folder, THERE, decode))
    assert_equal(cached(folder, THERE, refuse))
    for content in ("{", "[" * 200_000, "{}"):
        (folder / "digests.json").write_text(content)
        assert open_entry(folder, THERE) is None
    (folder / "digests.json").unlink()  # as earlier versions left it
    assert_equal(cached(folder, THERE, decode))


def test_a_process_reads_every_file_once_to_prove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    digest = hashlib.file_digest

    def counted(stream: BinaryIO, name: str) -> object:
        read.append(Path(stream.name).name)
        return digest(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    cached(tmp_path / "set", THERE, decode)
    read.clear()
    for _ in range(3):
        cached(tmp_path / "set", THERE, refuse)
    assert len(read) <= 4
