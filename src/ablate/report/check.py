"""Whether a report on disk is what would be written now, and whole."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from ablate.report.manifest import NAME, read_manifest
from ablate.report.same import same
from ablate.store.files import sha256


def check(directory: Path, write: Callable[[Path], object]) -> list[str]:
    """Return the files of a report that are not what `write` would write, in alphabetical order.

    write  writes the whole report, frames included, into the folder it is given

    A file is wrong where it is not the one whose digest the manifest has, or where it does not say
    what is written now, by the rules of `ablate.report.same`: they hold on any processor.
    """
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name) / directory.name
        fresh.mkdir()
        write(fresh)
        wanted = {path.name: path.read_bytes() for path in sorted(fresh.iterdir())}
    manifest = read_manifest(directory) or {}
    names = {*wanted, *manifest.get("files", ()), *manifest.get("digests", ())}
    altered = set(altered_files(directory))
    return sorted(
        name
        for name in names
        if name in altered
        or name not in wanted
        or not (directory / name).is_file()
        or not same(name, (directory / name).read_bytes(), wanted[name])
    )


def altered_files(directory: Path) -> list[str]:
    """Return the files that are gone, or not those whose digests the manifest has.

    Where there is no manifest that can be read it is its own name; one without digests has those
    files that it only names.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        return [NAME]
    known = {**dict.fromkeys(manifest["files"]), **manifest.get("digests", {})}
    return [name for name, digest in known.items() if not _is(directory / name, digest)]


def _is(path: Path, digest: str | None) -> bool:
    return path.is_file() and sha256(path.read_bytes()) == digest
