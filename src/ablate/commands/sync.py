"""`ablate sync`: the MLflow store brought up to the ledger."""

import argparse
from pathlib import Path

from ablate.commands.here import study_name
from ablate.errors import AblateError, ConfigError
from ablate.store.index import read_index
from ablate.store.live import not_mirrored
from ablate.store.state import studies
from ablate.store.sync import Synced, sync
from ablate.study.lockfile import read_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate sync` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="*", help="studies; default: all that have runs"
    )


def run(options: argparse.Namespace) -> int:
    """Bring MLflow up to date for the studies named, or for all; return the exit code."""
    root: Path = options.root
    known = studies(root)
    if unknown := [name for name in options.study if name not in known]:
        raise ConfigError(f"study '{unknown[0]}' has no runs here; there is nothing to sync.")
    for name in options.study or known:
        try:
            done = sync_study(root, name)
        except Exception as error:  # whatever MLflow raises for a store it cannot use
            raise AblateError(not_mirrored(error)) from error
        print(f"{name}: {done.written} written, {done.kept} up to date, {done.deleted} deleted")
    return 0


def sync_study(root: Path, name: str) -> Synced:
    """Bring MLflow up to date for a study that was swept; raises whatever MLflow raises."""
    cells, locked = read_index(root, name), read_lock(root / "runs" / name)
    assert cells is not None
    assert locked is not None
    report = root / "reports" / name
    return sync(root, name, locked.study.question, cells, report if report.is_dir() else None)
