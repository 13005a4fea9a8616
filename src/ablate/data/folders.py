"""The folders in which data sets are looked for."""

import os
import stat
from pathlib import Path

from ablate.data.sources import Source
from ablate.errors import DataError


def data_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders that hold data sets, in the order they are looked in.

    They are `$ABLATE_DATA_DIR`, where that is set, and `root/data`.
    """
    named = os.environ.get("ABLATE_DATA_DIR")
    folders = [Path(named).expanduser().absolute()] if named else []
    return (*folders, root.absolute() / "data")


def find(source: Source, root: Path) -> Path | None:
    """Return the first folder `<data folder>/<name>` with every file of the set, else None.

    Raises DataError where a folder may not be read.
    """
    for folder in data_folders(root):
        if all(_is_file(folder / source.name / file.name) for file in source.files):
            return folder / source.name
    return None


def missing(source: Source, root: Path, why: str) -> DataError:
    """Return the error for a set that is in none of the folders; `why` it was not fetched."""
    looked_in = " or ".join(str(folder / source.name) for folder in data_folders(root))
    return DataError(
        f"data set {source.name} is not in {looked_in}{why}; run 'ablate data {source.name}' "
        f"or set ABLATE_DATA_DIR to a folder that holds {source.name}/{source.files[0].name}"
    )


def writable_folder(root: Path) -> Path | None:
    """Return the first of `data_folders` that can be written to or created, else None."""
    for folder in data_folders(root):
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return folder
    return None


def _is_file(path: Path) -> bool:
    # Not Path.is_file: depending on Python's version that hides a forbidden folder.
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise DataError(
            f"{path} cannot be read: permission denied; allow reading its folder or set "
            "ABLATE_DATA_DIR to another one"
        ) from None
