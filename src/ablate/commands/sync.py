"""`ablate sync`: the MLflow store brought up to the ledger."""

import argparse
from pathlib import Path

from ablate.commands.here import study_name
from ablate.errors import AblateError, ConfigError
from ablate.report.headline import headline, pictures, told_in_markdown
from ablate.report.manifest import read_manifest
from ablate.store.index import read_index
from ablate.store.live import not_mirrored
from ablate.store.report_run import ReportPage
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
    return sync(root, name, locked.study.question, cells, report_page(root / "reports" / name))


def report_page(directory: Path) -> ReportPage | None:
    """Return a report as MLflow is to show it, None where there is none."""
    if not directory.is_dir():
        return None
    manifest = read_manifest(directory)
    if manifest is None:
        return ReportPage(directory)
    text, shown = told_in_markdown(manifest), pictures(manifest, directory)
    return ReportPage(directory, headline(manifest), text, shown)
