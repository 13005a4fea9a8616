"""A finished study as one file, `runs/<study>.zip`: for archives, and for moving it.

The file holds what `runs/<study>/` holds, but for what is hidden there. What reads runs reads it
where that folder is gone.
"""

import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ablate.errors import ConfigError
from ablate.store.files import LedgerError
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.state import state

#: Of every file within: when it was written is in the results.
_DATE = (1980, 1, 1, 0, 0, 0)


def pack_path(root: Path, study: str) -> Path:
    """Return where the file of a packed study lies."""
    return root / "runs" / f"{study}.zip"


def packed(root: Path) -> list[str]:
    """Return the names of the studies that are there as a file and not as a folder."""
    files = (root / "runs").glob("[!.]*.zip")
    return sorted(path.stem for path in files if not path.with_suffix("").is_dir())


def pack(root: Path, study: str) -> Path:
    """Write the file of a study, in place of one that is there; return its path.

    The same entries give the same bytes. Raises ConfigError where a run of the study has not ended,
    LedgerError where one is damaged.
    """
    folder, path = root / "runs" / study, pack_path(root, study)
    _check_finished(root, study)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for file in _files(folder):
                name = PurePosixPath(study, file.relative_to(folder).as_posix())
                with archive.open(zipfile.ZipInfo(str(name), _DATE), "w") as target:
                    target.write(file.read_bytes())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def unpack(path: Path, root: Path) -> str:
    """Put what a file holds below `root/runs/`, whole or not at all; return the study's name.

    Raises LedgerError where it is damaged or no packed study, ConfigError where the study has a
    folder there already.
    """
    runs = root / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=runs) as name:
        try:
            with zipfile.ZipFile(path) as archive:
                study = _name_within(archive, path)
                archive.extractall(name)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
            raise LedgerError(f"{path} is damaged: {error}.") from error
        target = runs / study
        if target.exists():
            raise ConfigError(f"{target} is there already: nothing was unpacked.")
        (Path(name) / study).rename(target)
    return study


def restore(root: Path, study: str) -> bool:
    """Unpack a study that is there as a file alone, where it lies; tell whether it was one."""
    if study not in packed(root):
        return False
    unpack(pack_path(root, study), root)
    return True


@contextmanager
def ledger(root: Path, study: str) -> Iterator[Path]:
    """Give the root below which the runs of a study lie: one that passes where it is packed."""
    if study not in packed(root):
        yield root
        return
    with unpacked(pack_path(root, study)) as passing:
        yield passing


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give a root, which passes, that holds what a file does; raises as `unpack`."""
    with tempfile.TemporaryDirectory(prefix="ablate-") as name:
        unpack(path, Path(name))
        yield Path(name)


def remove_unpacked(root: Path, study: str) -> None:
    """Remove the folder of a study; raises LedgerError unless its file can be read and has all."""
    folder, path = root / "runs" / study, pack_path(root, study)
    with zipfile.ZipFile(path) as archive:
        within = {name.partition("/")[2] for name in archive.namelist()}
        bad = archive.testzip()
    there = {file.relative_to(folder).as_posix() for file in _files(folder)}
    if bad is not None or there != within:
        raise LedgerError(f"{path} does not hold what {folder} does: nothing was removed.")
    shutil.rmtree(folder)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a study in order, none that is hidden or below a hidden folder."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _check_finished(root: Path, study: str) -> None:
    missing = 0
    for cell in read_index(root, study) or ():
        for replicate in range(cell.replicates):
            directory = run_directory(root, study, cell.slug, replicate)
            known, _ = state(directory, cell.expected(replicate))
            if known == "damaged":
                raise LedgerError(f"{directory} is damaged: ablate explain tells more.")
            missing += known in ("missing", "stale")
    if missing:
        lacks = f"study '{study}' lacks {missing} run{'s' * (missing > 1)}"
        raise ConfigError(f"{lacks}: finish it first, and pack it then.")


def _name_within(archive: zipfile.ZipFile, path: Path) -> str:
    """Return the one folder that all files of an archive lie in, and nowhere else."""
    parts = [PurePosixPath(name).parts for name in archive.namelist()]
    names = {one[0] for one in parts if len(one) > 1}
    odd = any(len(one) < 2 or ".." in one or one[0].startswith((".", "/")) for one in parts)
    if len(names) != 1 or odd or f"{next(iter(names))}/index.json" not in archive.namelist():
        raise LedgerError(f"{path} is no packed study: ablate pack STUDY writes one.")
    return names.pop()
