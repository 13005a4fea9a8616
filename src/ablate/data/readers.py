"""Readers of the original files: IDX (MNIST and its kin) and CIFAR's pickled batches."""

import gzip
import hashlib
import io
import math
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ablate.data.sources import File, Source
from ablate.errors import DataError, reason

#: Decoded examples: x uint8 (N, C, H, W) and y int64 (N,).
Arrays = tuple[np.ndarray, np.ndarray]
#: Those of a training and of a test set.
Examples = tuple[Arrays, Arrays]


def read_examples(source: Source, folder: Path) -> Examples:
    """Return training and test examples of the published set whose files lie in `folder`.

    Every file is verified before it is decoded. Raises DataError as the functions below do,
    and where the examples are not of the declared shape.
    """
    return (
        _read(source, folder, source.train, source.there.train, "training"),
        _read(source, folder, source.test, source.there.test, "test"),
    )


def _read(source: Source, folder: Path, files: tuple[File, ...], count: int, part: str) -> Arrays:
    found = ((read_verified(source, folder, file), folder / file.name) for file in files)
    if source.format == "idx":
        images, labels = (parse_idx(raw, path) for raw, path in found)
        # Copies: arrays over a file's bytes are read-only, which torch warns about.
        x, y = images[:, np.newaxis].copy(), labels.astype(np.int64)
    else:
        batches = [parse_cifar(raw, path, source.labels) for raw, path in found]
        x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    if x.shape != (count, *source.there.inputs) or y.shape != (count,):
        raise DataError(
            f"{folder} holds {part} images of shape {x.shape} and labels of shape {y.shape} "
            f"instead of {(count, *source.there.inputs)} and {(count,)}"
        )
    if y.min() < 0 or y.max() >= source.there.outputs:
        raise DataError(
            f"{folder} holds {part} labels from {y.min()} to {y.max()}; allowed are 0 to "
            f"{source.there.outputs - 1}"
        )
    return x, y


def read_verified(source: Source, folder: Path, file: File) -> bytes:
    """Return the bytes of one file of a set once their size and digest are the declared ones.

    Raises DataError where the file is missing, may not be read, or is another one.
    """
    path = folder / file.name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run 'ablate data {source.name}' to fetch it") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason(error)}") from None
    if complaint := mismatch(raw, file):
        raise DataError(f"{path} {complaint}; run 'ablate data {source.name}' to fetch it again")
    return raw


def mismatch(raw: bytes, file: File) -> str | None:
    """Return what is wrong with the bytes of a file, None where they are the published ones."""
    if file.size is not None and len(raw) != file.size:
        return f"is damaged or incomplete: it has {len(raw)} bytes instead of {file.size}"
    kind, _, expected = file.digest.partition(":")
    found = hashlib.new(kind, raw, usedforsecurity=False).hexdigest()
    if found != expected:
        return f"is not the published file: its {kind.upper()} is {found} instead of {expected}"
    return None


def parse_idx(raw: bytes, path: Path) -> np.ndarray:
    """Return the uint8 array of any shape in a gzipped IDX file; `path` is for messages.

    The format: two zero bytes, the type (8, unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values in row-major order
    (http://yann.lecun.com/exdb/mnist/). Raises DataError where the bytes are anything else.
    """
    try:
        content = gzip.decompress(raw)
    except EOFError:
        raise DataError(f"{path} is truncated: its gzip stream ends too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}") from None
    if len(content) < 4:
        raise DataError(f"{path} is truncated: {len(content)} bytes hold no IDX header")
    dimensions = content[3]
    if content[:3] != b"\x00\x00\x08" or dimensions == 0:
        raise DataError(
            f"{path} is not an IDX file of unsigned bytes: its magic number is "
            f"0x{content[:4].hex()}, allowed are 0x00000801, 0x00000802 and so on"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path} is truncated: its header of {start} bytes is incomplete")
    shape = tuple(np.frombuffer(content, ">u4", dimensions, 4).tolist())
    # math.prod, not numpy's: four 32-bit dimensions overflow an int64.
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"{path} has {len(content) - start} values, but its header says "
            f"{' x '.join(map(str, shape))} = {math.prod(shape)}"
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # no values, in more or larger dimensions than arrays have
        raise DataError(f"{path} is no array: {error}") from None


def parse_cifar(raw: bytes, path: Path, labels: str) -> Arrays:
    """Return x (N, 3, 32, 32) and y (N,) of one pickled CIFAR batch; `path` is for messages.

    `labels` is the key of the labels: `labels` in CIFAR-10, `fine_labels` in CIFAR-100.
    Nothing in the file is run: see `_Unpickler`. Raises DataError where the pickle is
    damaged, asks for anything but an array, or lacks an entry.
    """
    try:
        loaded = _Unpickler(io.BytesIO(raw), path).load()
    except DataError:
        raise
    except (EOFError, IndexError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} is truncated or not a pickle: {error}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(f"{path} is a damaged pickle: {error}") from None
    if not isinstance(loaded, dict):
        raise DataError(f"{path} holds a {type(loaded).__name__} instead of a dict")
    # Python 2 wrote the files: their keys are bytes.
    batch = {k.decode("latin1") if isinstance(k, bytes) else k: loaded[k] for k in loaded}
    batch = {k: v.array if isinstance(v, _Array) else v for k, v in batch.items()}
    for key in ("data", labels):
        if key not in batch:
            raise DataError(f"{path} has no entry '{key}'")
    x = batch["data"]
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8:
        kind = f"{x.dtype} array" if isinstance(x, np.ndarray) else type(x).__name__
        raise DataError(f"{path} has {kind} as 'data' instead of a uint8 array")
    if x.ndim != 2 or x.shape[1] != 3072:
        raise DataError(f"{path} has 'data' of shape {x.shape} instead of (N, 3072)")
    try:
        y = np.asarray(batch[labels], dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{path} has '{labels}' that are not integers") from None
    if y.shape != (len(x),):
        raise DataError(f"{path} has {len(x)} images but '{labels}' of shape {y.shape}")
    return x.reshape(-1, 3, 32, 32), y


class _Type:
    """What a pickle says of the type of an array: a name, then the order of its bytes."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        self.dtype = self.dtype.newbyteorder(order.decode() if isinstance(order, bytes) else order)


class _Array:
    """What a pickle says of an array: of damaged bytes numpy's own reader ends the process."""

    array: np.ndarray | None = None

    def __init__(self, *_: Any) -> None:
        pass  # of which class and how long a blank one is

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, raw = state
        if not isinstance(kind, _Type) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("an array is no bytes of a type")
        values = np.frombuffer(raw, kind.dtype)
        self.array = values.reshape(shape, order="F" if is_fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    # Python 3 writes bytes this way where it writes a pickle that Python 2 can read.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is refused")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,  # written by numpy 1
    ("numpy._core.multiarray", "_reconstruct"): _Array,  # written by numpy 2
    ("numpy", "ndarray"): "ndarray",  # only ever handed on
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle._Unpickler):
    """Builds arrays, numbers, texts and their containers, and calls nothing else.

    A pickle is a program: `pickle.load` would call any function that the file names. The one in C
    takes memory for any place that a damaged file says it keeps something at.
    """

    def __init__(self, stream: io.BytesIO, path: Path) -> None:
        super().__init__(stream, encoding="bytes")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataError(
                f"{self._path} asks to call {module}.{name}, which a data file has no need "
                "of: it was refused"
            ) from None
