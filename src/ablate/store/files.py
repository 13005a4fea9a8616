"""Files that are whole or absent, and that have the same bytes for the same content."""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ablate.errors import AblateError


class LedgerError(AblateError):
    """An entry of the ledger is damaged or holds what no entry may hold."""


def write_atomically(path: Path, content: bytes, flush: bool = True) -> None:
    """Write a file that readers see either complete or not at all, whoever else writes it too.

    flush  that holds after a power cut, too, which takes milliseconds on a disk that is busy
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            if flush:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_bytes(content: Any, path: Path) -> bytes:
    """Return one line of JSON with sorted keys; numpy scalars become plain numbers.

    Raises LedgerError, naming `path`, for a value that JSON cannot hold (NaN, infinity).
    """
    try:
        text = json.dumps(content, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise LedgerError(f"{path}: not written, a value is no finite number ({error}).") from error
    return text.encode() + b"\n"


def parse_json(content: bytes, path: Path) -> Any:
    """Return what one JSON text says; raises LedgerError naming `path`."""
    try:
        return _DECODER.decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{path} is damaged: {error}.") from error


def sealed(fields: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return `fields` and, as `digest`, the SHA-256 of their JSON; raises as `json_bytes`."""
    return {**fields, "digest": sha256(json_bytes(fields, path))}


def parse_sealed(text: bytes, path: Path) -> Any:
    """Return what `sealed` was given, from the text of it, with its digest where it has one.

    What has no digest is taken as it is: version 0.1 wrote none. Raises LedgerError, naming `path`,
    where the content was altered since it was written.
    """
    content = parse_json(text, path)
    if not isinstance(content, dict) or (digest := content.get("digest")) is None:
        return content
    # The text without the digest is what the digest is of; to write it again takes longer.
    if sha256(text.replace(f'"digest": "{digest}", '.encode(), b"", 1)) == digest:
        return content
    fields = {name: value for name, value in content.items() if name != "digest"}
    if content != sealed(fields, path):
        raise LedgerError(f"{path} is damaged: it does not say what was written.")
    return content


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return an `.npz` file; the same arrays give the same bytes.

    numpy dates every member of the archive 1980, so only their order has to be fixed. Nothing is
    compressed: of logits that takes 9 ms a run and saves 8 %.
    """
    stream = io.BytesIO()
    save: Any = np.savez
    save(stream, **{name: arrays[name] for name in sorted(arrays)})
    return stream.getvalue()


def parse_npz(content: bytes, path: Path, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file whose names begin with `prefix`, under what follows it.

    Raises LedgerError naming `path`.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            wanted = (name for name in archive.files if name.startswith(prefix))
            return {name.removeprefix(prefix): archive[name] for name in wanted}
    except Exception as error:  # zipfile and numpy raise a dozen kinds for damaged bytes
        raise LedgerError(f"{path} is damaged: {error}.") from error


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


#: Kept: `json.loads` would make one for each of a ledger's many texts.
_DECODER = json.JSONDecoder(parse_constant=_refuse)
