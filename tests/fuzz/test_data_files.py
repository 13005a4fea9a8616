"""Files of data sets and their decoded copies: read as they are, or refused as a DataError."""

import gzip
import pickle
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import few_and_many, tries
from hypothesis import given
from hypothesis import strategies as st
from trees import scalars, values

from ablate.data.cache import cached
from ablate.data.readers import Examples, parse_cifar, parse_idx
from ablate.data.sources import Description
from ablate.errors import DataError

PATH = Path("folder/file")
THERE = Description((1, 2, 3), outputs=5, train=8, test=4)


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """Return an IDX file in which header, sizes or the stream may be wrong."""
    sizes = draw(st.lists(st.integers(0, 5) | st.sampled_from([2**31, 2**32 - 1]), max_size=5))
    said = draw(st.just(len(sizes)) | st.integers(0, 255))
    magic = draw(st.just(bytes([0, 0, 8, said])) | st.binary(max_size=6))
    count = int(np.prod([min(size, 5) for size in sizes]))
    body = draw(st.just(bytes(count)) | st.binary(max_size=40))
    content = magic + struct.pack(f">{len(sizes)}I", *sizes) + body
    raw = bytearray(draw(st.just(gzip.compress(content, mtime=0)) | st.just(content)))
    for _ in range(draw(st.integers(0, 2)) if raw else 0):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.just(len(raw)) | st.integers(0, len(raw)))])


@few_and_many
def test_idx(times: int) -> None:
    @tries(200, times)
    @given(idx_files())
    def holds(raw: bytes) -> None:
        with suppress(DataError):
            array = parse_idx(raw, PATH)
            assert array.dtype == np.uint8
            assert array.size <= 1032 * len(raw)  # no more than DEFLATE can hold

    holds()


def _images(shape: tuple[int, ...], kind: str) -> np.ndarray:
    return np.zeros(shape, kind)


images = st.builds(
    _images,
    st.sampled_from([(2, 3072), (0, 3072), (2, 3071), (3072,), (2, 3, 32, 32), ()]),
    st.sampled_from(["uint8", "uint8", "uint8", "int64", "float32", "U3"]),
)
labels: st.SearchStrategy[Any] = (
    st.lists(st.integers(-1, 9), min_size=2, max_size=2)
    | st.lists(scalars, max_size=3)
    | values
    | st.sampled_from(
        [np.zeros(2), np.zeros((2, 1), int), np.array(["a", "b"]), np.zeros(2, "u8") + 2**63]
    )
)
keys = st.sampled_from(["data", "labels", b"data", b"labels", "fine_labels", b"\xff", 3, None])


@st.composite
def cifar_files(draw: st.DrawFn) -> bytes:
    """Return a pickle: a batch with entries of other types, or its bytes cut and altered."""
    batch: Any = {b"data": draw(images), b"labels": draw(labels)}
    batch |= draw(st.dictionaries(keys, images | labels, max_size=2))
    whole = draw(st.just(batch) | st.just(batch) | values | st.just([batch]))
    try:
        raw = bytearray(pickle.dumps(whole, protocol=draw(st.integers(0, 5))))
    except (RecursionError, UnicodeError):
        raw = bytearray(b"")
    for _ in range(draw(st.integers(0, 3)) if raw else 0):
        raw[draw(st.integers(0, min(len(raw) - 1, 200)))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.just(len(raw)) | st.integers(0, len(raw)))])


@few_and_many
def test_cifar(times: int) -> None:
    @tries(200, times)
    @given(cifar_files(), st.sampled_from(["labels", "fine_labels"]))
    def holds(raw: bytes, named: str) -> None:
        with suppress(DataError):
            x, y = parse_cifar(raw, PATH, named)
            assert (x.dtype, y.dtype) == (np.uint8, np.int64)
            assert x.shape == (len(y), 3, 32, 32)

    holds()


def decode() -> Examples:
    x, y = np.arange(72, dtype=np.uint8).reshape(12, 1, 2, 3), np.arange(12) % 5
    return (x[:8].copy(), y[:8].copy()), (x[8:].copy(), y[8:].copy())


@few_and_many
def test_the_decoded_copy(tmp_path_factory: pytest.TempPathFactory, times: int) -> None:
    """Whatever became of it, the examples are of the shapes declared, and a cut one is replaced."""

    @tries(60, times)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        folder = tmp_path_factory.mktemp("cache") / "set"
        cached(folder, THERE, decode)
        path = data.draw(st.sampled_from(sorted(folder.iterdir())))
        raw = bytearray(path.read_bytes())
        kind = data.draw(st.sampled_from(["cut", "header", "folder", "link", "itself", "other"]))
        if kind == "cut":
            path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
        elif kind == "header":
            for _ in range(data.draw(st.integers(1, 4))):
                raw[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
            path.write_bytes(raw)
        elif kind == "other":
            other = data.draw(images | st.just(np.zeros((4, 1, 2, 3), "i1")))
            np.save(path, other)
        else:
            path.unlink()
            if kind == "folder":
                path.mkdir()
            else:
                path.symlink_to(path.name if kind == "itself" else "/nowhere/x")
        for (x, y), (right_x, right_y) in zip(cached(folder, THERE, decode), decode(), strict=True):
            assert (x.shape, x.dtype, y.shape, y.dtype) == (
                right_x.shape, right_x.dtype, right_y.shape, right_y.dtype
            )  # fmt: skip
            if kind != "header":
                np.testing.assert_array_equal(x, right_x)
                np.testing.assert_array_equal(y, right_y)

    holds()
