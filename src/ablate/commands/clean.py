"""`ablate clean`: replaced and orphaned runs removed, with what they take on disk."""

import argparse
import shutil
from pathlib import Path

from ablate.commands.here import shown
from ablate.store.index import read_index
from ablate.store.journal import workers
from ablate.store.lock import running
from ablate.store.state import studies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate clean` takes."""
    parser.add_argument("--stale", action="store_true", required=True, help="what to remove")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def run(options: argparse.Namespace) -> int:
    """Remove the stale folders and say so of each; return the exit code."""
    total = 0
    found = stale_runs(options.root)
    what = "would go" if options.dry_run else "removed"
    for path in found:
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        total += size
        if not options.dry_run:
            shutil.rmtree(path)
        print(f"{shown(path)}  {size / 1e6:.1f} MB  {what}")
    print(f"{len(found)} folders, {total / 1e6:.1f} MB" if found else "nothing is stale")
    return 0


def stale_runs(root: Path) -> list[Path]:
    """Return replaced entries, and cells that their study's last sweep did not have.

    Studies that somebody works on are left alone.
    """
    found = [path for path in (root / "runs" / ".stale").glob("*") if path.is_dir()]
    for study in studies(root):
        at_work = any(worker.alive for worker in workers(root, study))
        if running(root, study) is None and not at_work:
            known = {cell.slug for cell in read_index(root, study) or ()} | {"members"}
            folders = (path for path in (root / "runs" / study).glob("[!.]*") if path.is_dir())
            found += [path for path in folders if path.name not in known]
    return sorted(found)
