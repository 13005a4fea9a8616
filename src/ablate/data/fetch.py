"""Fetch published data sets from their mirrors and verify every file."""

import gzip
import logging
import tarfile
import uuid
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ablate.data.folders import find, missing, writable_folder
from ablate.data.readers import mismatch, read_verified
from ablate.data.sources import SOURCES, File, Source
from ablate.errors import ConfigError, DataError, nearest, one_of, reason

#: Data sets that come with the installed packages or are drawn: nothing to fetch.
BUILT_IN = ("digits", "synthetic")
#: Seconds without an answer after which the next mirror is tried.
_TIMEOUT = 30.0


def fetch(names: Sequence[str], root: Path) -> None:
    """Make sure that the named data sets are on disk, whole, and are the published ones.

    What is there and sound is left alone; the rest is downloaded into the first writable
    folder of `folders.data_folders(root)`, with a progress bar. Of an archive only the named
    members are extracted.

    Raises ConfigError for an unknown name, DataError where a set can neither be found nor
    fetched.
    """
    allowed = (*SOURCES, *BUILT_IN)
    for name in names:
        if name not in allowed:
            raise ConfigError(
                f"there is no data set '{name}'; allowed are {one_of(allowed)}."
                f"{nearest(name, allowed)}"
            )
    for name in names:
        if name in SOURCES:
            fetch_set(SOURCES[name], root)


def fetch_set(source: Source, root: Path) -> Path:
    """Fetch what is missing or damaged of one set; return its folder, raise as `fetch` does."""
    folder = find(source, root)
    if folder is None:
        writable = writable_folder(root)
        if writable is None:
            raise missing(source, root, " and none of these folders can be written to")
        folder = writable / source.name
    with suppress(DataError):
        for file in source.files:
            read_verified(source, folder, file)
        return folder
    try:
        if source.archive is None:
            for file in source.files:
                _download(source, file, folder, root)
        else:
            archive = _download(source, source.archive, folder, root)
            _extract(archive, source, folder)
            archive.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"data set {source.name} cannot be written to {folder}: {reason(error)}"
        ) from None
    return folder


def _download(source: Source, file: File, folder: Path, root: Path) -> Path:
    """Return the path of the verified file, from the first mirror that has it."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # the progress bar says enough
    reasons = []
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT)
    for mirror in source.mirrors:
        address = mirror + file.name
        try:
            return Path(pooch.retrieve(address, file.digest, file.name, folder, None, downloader))
        except requests.RequestException as error:  # its own text is a page of nested objects
            late = isinstance(error, requests.Timeout)
            reason = "no answer in time" if late else "no connection"
            if error.response is not None:
                reason = f"HTTP status {error.response.status_code}"
        except ValueError:  # pooch's word for a wrong digest
            reason = "another file than the published one"
        reasons.append(f"{mirror}: {reason}")
    raise missing(source, root, f" and cannot be fetched ({'; '.join(reasons)})")


def _extract(archive: Path, source: Source, folder: Path) -> None:
    """Write the members that `source` names, verified, below `folder`.

    Paths come from `source`, never from the archive, so that no member can be written
    elsewhere; a link or a device under one of the names counts as missing.
    """
    wanted = {file.name: file for file in source.files}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                file = wanted.get(member.name)
                if file and member.isreg() and (stream := tar.extractfile(member)):
                    raw = stream.read()
                    if complaint := mismatch(raw, file):
                        raise DataError(f"{file.name} in {archive} {complaint}")
                    _write(raw, folder / file.name)
                    del wanted[file.name]
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{archive} is not a sound tar archive: {error}") from None
    if wanted:
        raise DataError(f"{archive} has no member {one_of(wanted)}")


def _write(raw: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_bytes(raw)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
