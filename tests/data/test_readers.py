import dataclasses
import gzip
import os
import pickle
import re
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ablate.data.readers import parse_cifar, parse_idx, read_examples, read_verified
from ablate.data.sources import File, Source
from ablate.errors import DataError

PATH = Path("folder/file")


def idx(content: bytes) -> bytes:
    return gzip.compress(content)


def batch(**entries: Any) -> bytes:
    """Pickle a CIFAR batch with byte keys, as Python 2 left them."""
    default = {"data": np.zeros((3, 3072), np.uint8), "labels": [0, 1, 2]} | entries
    return pickle.dumps({key.encode(): value for key, value in default.items()}, protocol=2)


class Calls:
    """An object whose pickle calls a function when it is read."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


@given(arrays(np.uint8, array_shapes(max_dims=4, min_side=0, max_side=5)))
def test_idx_round_trip(array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    np.testing.assert_array_equal(parse_idx(idx(header + array.tobytes()), PATH), array)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            idx(b"\0\0\x08\x01\0\0\0\x02ab")[:-9],
            "folder/file is truncated: its gzip stream ends too early",
            id="truncated_gzip",
        ),
        pytest.param(b"no gzip", "folder/file is not a sound gzip file", id="no_gzip"),
        pytest.param(idx(b"\0\0"), "is truncated: 2 bytes hold no IDX header", id="no_header"),
        pytest.param(
            idx(b"\0\0\x0d\x01\0\0\0\x02ab"),
            "not an IDX file of unsigned bytes: its magic number is 0x00000d01, allowed",
            id="floats",
        ),
        pytest.param(idx(b"\0\0\x08\0"), "magic number is 0x00000800", id="no_dimension"),
        pytest.param(
            idx(b"\0\0\x08\x02\0\0\0\x02"),
            "is truncated: its header of 12 bytes is incomplete",
            id="half_a_header",
        ),
        pytest.param(
            idx(b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03abcde"),
            "has 5 values, but its header says 2 x 3 = 6",
            id="too_few_values",
        ),
        pytest.param(
            idx(b"\0\0\x08\x01\0\0\0\x02abc"),
            "has 3 values, but its header says 2 = 2",
            id="too_many_values",
        ),
        pytest.param(
            idx(b"\0\0\x08\x02" + b"\xff\xff\xff\xff" * 2 + b"a"),
            "its header says 4294967295 x 4294967295 = 18446744065119617025",
            id="product_beyond_64_bits",
        ),
    ],
)
def test_idx_errors(raw: bytes, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        parse_idx(raw, PATH)


# The flags align and copy of a data type, as Python 3 and as Python 2 write them.
FLAGS = b"\x89\x88\x87", b"K\x00K\x01\x87"


@pytest.mark.parametrize(
    ("module", "flags"),
    [
        pytest.param(b"numpy._core", FLAGS[0], id="numpy2"),
        pytest.param(b"numpy.core", FLAGS[1], id="numpy1_python2"),
    ],
)
def test_cifar_batch_of_either_numpy(module: bytes, flags: bytes) -> None:
    x = np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8)
    raw = batch(data=x, fine_labels=[7, 99])
    assert raw.count(b"numpy._core") == raw.count(FLAGS[0]) == 1
    raw = raw.replace(b"numpy._core", module).replace(FLAGS[0], flags)
    images, labels = parse_cifar(raw, PATH, "fine_labels")
    np.testing.assert_array_equal(images, x.reshape(2, 3, 32, 32))
    assert labels.dtype == np.int64
    assert labels.tolist() == [7, 99]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(batch()[:-20], "folder/file is truncated or not a pickle", id="truncated"),
        pytest.param(b"", "folder/file is truncated or not a pickle", id="empty"),
        pytest.param(pickle.dumps([1]), "holds a list instead of a dict", id="list"),
        pytest.param(
            pickle.dumps({b"data": np.zeros((1, 3072), np.uint8)}, protocol=2),
            "has no entry 'labels'",
            id="no_labels",
        ),
        pytest.param(batch(data=[1]), "has list as 'data' instead of a uint8 array", id="no_array"),
        pytest.param(
            batch(data=np.zeros((3, 3072))),
            "has float64 array as 'data' instead of a uint8 array",
            id="floats",
        ),
        pytest.param(
            batch(data=np.zeros((3, 784), np.uint8)),
            "has 'data' of shape (3, 784) instead of (N, 3072)",
            id="wrong_shape",
        ),
        pytest.param(
            batch(labels=[1, 2]), "has 3 images but 'labels' of shape (2,)", id="label_missing"
        ),
        pytest.param(batch(labels=["cat"] * 3), "has 'labels' that are not integers", id="words"),
        pytest.param(
            batch(labels=Calls(np.dtype, "no type")), "is a damaged pickle", id="raises_inside"
        ),
    ],
)
def test_cifar_errors(raw: bytes, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        parse_cifar(raw, PATH, "labels")


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(os.system, f"{os.system.__module__}.system", id="os.system"),
        pytest.param(eval, "__builtin__.eval", id="eval"),
        pytest.param(np.load, "numpy.load", id="numpy.load"),
    ],
)
def test_a_pickle_that_calls_a_function_is_refused(
    function: Callable[..., Any], name: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    raw = batch(labels=Calls(function, f"touch {victim}"))
    with pytest.raises(DataError, match=f"asks to call {re.escape(name)}, .* was refused"):
        parse_cifar(raw, PATH, "labels")
    assert not victim.exists()


def test_an_idx_header_of_more_dimensions_than_arrays_have() -> None:
    for shape in ([1] * 65, [0, *[2**32 - 1] * 3]):
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
        with pytest.raises(DataError, match=r"folder/file is no array"):
            parse_idx(gzip.compress(header + bytes([0] * all(shape))), PATH)


def test_a_key_that_is_no_text() -> None:
    with pytest.raises(DataError, match="has no entry 'data'"):
        parse_cifar(pickle.dumps({b"\xff": 1}, protocol=2), PATH, "labels")


def test_a_pickle_that_names_a_place_far_away_takes_no_memory_for_it() -> None:
    """Python's own unpickler in C makes room for every place up to that one: here 16 GB."""
    far = b"}r" + (2**30).to_bytes(4, "little") + b"."
    tracemalloc.start()
    with pytest.raises(DataError):
        parse_cifar(far, PATH, "labels")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


@given(st.data())
def test_a_damaged_pickle_raises_nothing_but_data_error(data: st.DataObject) -> None:
    raw = bytearray(batch())
    # The head holds the program, the rest only zeros.
    for position in data.draw(st.lists(st.integers(0, 200), min_size=1, max_size=4)):
        raw[position] = data.draw(st.integers(0, 255))
    with suppress(DataError):
        x, y = parse_cifar(bytes(raw), PATH, "labels")
        assert x.shape == (len(y), 3, 32, 32)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param(
            File("a", "sha256:" + "0" * 64, 2),
            "a is damaged or incomplete: it has 3 bytes instead of 2; run 'ablate data mnist'",
            id="size",
        ),
        pytest.param(
            File("a", "sha256:" + "0" * 64),
            "a is not the published file: its SHA256 is ba7816bf8f01cfea414140de5dae2223b00361a3"
            f"96177a9cb410ff61f20015ad instead of {'0' * 64}; run 'ablate data mnist'",
            id="sha256",
        ),
        pytest.param(
            File("a", "md5:" + "0" * 32, 3),
            "its MD5 is 900150983cd24fb0d6963f7d28e17f72 instead of",
            id="md5",
        ),
        pytest.param(File("b", "sha256:"), "b is missing; run 'ablate data mnist'", id="missing"),
        pytest.param(File("c", "sha256:"), "c cannot be read: Is a directory", id="directory"),
    ],
)
def test_files_are_verified(tiny: Source, tmp_path: Path, file: File, message: str) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "c").mkdir()
    with pytest.raises(DataError, match=re.escape(message)):
        read_verified(tiny, tmp_path, file)


def test_an_unreadable_file(tiny: Source, tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"train-images\.gz cannot be read: Permission denied"):
        read_verified(tiny, tiny_root / "data" / "mnist", tiny.train[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"train": 13},
            "holds training images of shape (12, 1, 4, 5) and labels of shape (12,) instead of "
            "(13, 1, 4, 5) and (13,)",
            id="count",
        ),
        pytest.param({"inputs": (1, 5, 4)}, "instead of (12, 1, 5, 4) and (12,)", id="image_shape"),
        pytest.param(
            {"outputs": 2}, "holds training labels from 0 to 2; allowed are 0 to 1", id="labels"
        ),
    ],
)
def test_examples_must_be_as_declared(
    tiny: Source, tiny_root: Path, change: dict[str, Any], message: str
) -> None:
    source = dataclasses.replace(tiny, there=dataclasses.replace(tiny.there, **change))
    with pytest.raises(DataError, match=re.escape(message)):
        read_examples(source, tiny_root / "data" / "mnist")


def test_labels_in_place_of_images(tiny: Source, tiny_root: Path) -> None:
    swapped = dataclasses.replace(tiny, train=(tiny.train[1], tiny.train[0]))
    with pytest.raises(DataError, match="holds training images of shape"):
        read_examples(swapped, tiny_root / "data" / "mnist")


@pytest.mark.parametrize("name", ["O8", "S0", "V0", "i9", "M8", "", "u1,u1"])
def test_another_type_of_array_is_told_of(name: str) -> None:
    """Objects would be read behind the bytes of a type that says so, wherever they lead."""
    raw = pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}, protocol=2)
    assert raw.count(b"u1") == 1
    place = raw.index(b"u1")
    length = raw[place - 4 : place]
    assert length == (2).to_bytes(4, "little")
    other = len(name).to_bytes(4, "little") + name.encode()
    with pytest.raises(DataError):
        parse_cifar(raw[: place - 4] + other + raw[place + 2 :], PATH, "labels")
