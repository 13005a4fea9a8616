"""`ablate pack`: a finished study as one file, which is read where its folder is gone."""

import argparse

from ablate.commands.here import shown, study_name, typed
from ablate.errors import ConfigError, nearest, one_of
from ablate.store.journal import workers
from ablate.store.lock import lock
from ablate.store.pack import pack, packed, remove_unpacked
from ablate.store.state import studies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate pack` takes."""
    parser.add_argument("study", type=study_name, help="whose runs have all ended")
    said = "remove the folder of its runs once the file is written and read back"
    parser.add_argument("--remove", action="store_true", help=said)


def run(options: argparse.Namespace) -> int:
    """Write `runs/STUDY.zip` and say where it can go; return the exit code.

    Raises ConfigError where the study has no runs here, is not finished, or is worked on.
    """
    root, study = options.root, options.study
    known = studies(root)
    if study not in known:
        there = " It is packed already." if study in packed(root) else ""
        have = f"there are runs of {one_of(known)}" if known else "there are no runs"
        raise ConfigError(
            f"study '{study}' has no folder of runs here; {have}.{there}{nearest(study, known)}"
        )
    with lock(root, study):
        busy = next((one for one in workers(root, study) if one.alive), None)
        if busy is not None:
            raise ConfigError(
                f"study '{study}' is worked on, by process {busy.process} on {busy.host}."
            )
        path = pack(root, study)
        if options.remove:
            remove_unpacked(root, study)
    print(f"{shown(path)}  {path.stat().st_size / 1e6:.1f} MB")
    print(f"{typed(f'ablate report {study}', root)} reads it where runs/{study} is gone, and "
          f"ablate merge {path.name} brings it into another folder")  # fmt: skip
    return 0
