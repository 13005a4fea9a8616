"""`ablate merge`: the runs of other folders brought into this one, by key."""

import argparse
import shutil
from contextlib import ExitStack
from pathlib import Path

from ablate.commands.here import root_of, shown, typed
from ablate.errors import ConfigError
from ablate.store.lock import lock
from ablate.store.merge import check_equal, merge_entries
from ablate.store.pack import restore, unpacked
from ablate.store.state import studies
from ablate.study.lockfile import NAME, read_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate merge` takes."""
    said = "root of another ledger, with a folder runs/; or a file that ablate pack has written"
    parser.add_argument("other", nargs="+", type=_place, help=said)


def _place(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    return path if path.is_file() else root_of(text, "merge")


def run(options: argparse.Namespace) -> int:
    """Bring over what the other folders have, all or nothing; return the exit code."""
    root: Path = options.root
    if root in options.other:
        raise ConfigError(f"{root} cannot be merged with itself.")
    with ExitStack() as held:
        given = {
            held.enter_context(unpacked(path)) if path.is_file() else path: path
            for path in options.other
        }
        pairs = [(other, study) for other in given for study in studies(other)]
        empty = [path for other, path in given.items() if not studies(other)]
        if empty:
            raise ConfigError(f"{empty[0]} has no runs of a study.")
        for other, study in pairs:
            restore(root, study)
            _check_declared(root, other, study)
            check_equal(other / "runs" / study, root / "runs" / study)
        for other, study in pairs:
            with lock(root, study):
                _declare(root, other, study)
                there, here = other / "runs" / study, root / "runs" / study
                done = merge_entries(there, here, root)
            source = shown(given[other])
            print(f"{study}: {done.brought} runs from {source}, {done.same} were here")
    first = pairs[0][1]
    print(f"{typed(f'ablate report {first}', root)} tells what they say")
    return 0


def _check_declared(root: Path, other: Path, study: str) -> None:
    """Raise ConfigError unless both folders have declared the same, or only the other has."""
    ours, theirs = (read_lock(folder / "runs" / study) for folder in (root, other))
    if theirs is None:
        raise ConfigError(
            f"{other / 'runs' / study} has no {NAME}: nobody knows what its runs are."
        )
    if ours is not None and (ours.study, ours.cells) != (theirs.study, theirs.cells):
        raise ConfigError(
            f"study '{study}' was declared otherwise in {other} than in {root}: sweep one of them "
            "again by the same file, and merge then."
        )


def _declare(root: Path, other: Path, study: str) -> None:
    """Take over what was declared where nothing is here yet."""
    folder = root / "runs" / study
    if read_lock(folder) is None:
        for name in (NAME, "index.json"):
            shutil.copy2(other / "runs" / study / name, folder / name)
