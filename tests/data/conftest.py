"""A published set in miniature: 12 + 6 images of 4 x 5 pixels, in MNIST's files."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from ablate.data.sources import SOURCES, Description, File, Source


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes())


def file_of(name: str, raw: bytes) -> File:
    return File(name, f"sha256:{hashlib.sha256(raw).hexdigest()}", len(raw))


@pytest.fixture
def tiny_contents() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    return {
        "train-images.gz": idx_bytes(rng.integers(0, 256, (12, 4, 5), dtype=np.uint8)),
        "train-labels.gz": idx_bytes(np.arange(12, dtype=np.uint8) % 3),
        "test-images.gz": idx_bytes(rng.integers(0, 256, (6, 4, 5), dtype=np.uint8)),
        "test-labels.gz": idx_bytes(np.arange(6, dtype=np.uint8) % 3),
    }


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tiny_contents: dict[str, bytes]) -> Source:
    """Stand in for `mnist`; nothing on disk yet, and no mirror."""
    files = tuple(file_of(name, raw) for name, raw in tiny_contents.items())
    there = Description((1, 4, 5), outputs=3, train=12, test=6)
    source = Source("mnist", "MNIST", "idx", there, files[:2], files[2:], mirrors=())
    monkeypatch.setitem(SOURCES, "mnist", source)
    monkeypatch.delenv("ABLATE_DATA_DIR", raising=False)
    return source


@pytest.fixture
def tiny_root(tiny: Source, tiny_contents: dict[str, bytes], tmp_path: Path) -> Path:
    """Return a root with the files of `tiny` below data/mnist."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name, raw in tiny_contents.items():
        (folder / name).write_bytes(raw)
    return tmp_path
