"""How far each study is: read from its index and its results, nothing composed or imported."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ablate.errors import AblateError, ConfigError, nearest, one_of
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.lock import is_marked, running
from ablate.store.result import read_result


@dataclass(frozen=True)
class Status:
    """Counts of a study's scored runs.

    missing   not begun, or interrupted
    stale     there, but under another key: the config, the data or the code behind it changed
    process   id of the process that sweeps the study now, or None
    """

    study: str
    runs: int
    done: int = 0
    not_converged: int = 0
    failed: int = 0
    running: int = 0
    missing: int = 0
    stale: int = 0
    process: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def swept_studies(root: Path) -> list[str]:
    """Return the names of the studies in the ledger, alphabetically."""
    return sorted(path.parent.name for path in (root / "runs").glob("[!.]*/index.json"))


def status(root: Path, study: str) -> Status:
    """Count one study's runs; raises ConfigError when it was never swept."""
    cells = read_index(root, study)
    if cells is None:
        known = swept_studies(root)
        have = f"there are runs of {one_of(known)}" if known else "there are no runs yet"
        raise ConfigError(f"study '{study}' has no runs here; {have}.{nearest(study, known)}")
    counts = dict.fromkeys(("done", "not_converged", "failed", "running", "missing", "stale"), 0)
    for cell in cells:
        for replicate in range(cell.replicates):
            key = cell.run_keys[replicate] if cell.run_keys else None
            directory = run_directory(root, study, cell.slug, replicate)
            counts[_state(directory, key)] += 1
    total = sum(cell.replicates for cell in cells)
    return Status(study, total, **counts, process=running(root, study))


def _state(directory: Path, key: str | None) -> str:
    if is_marked(directory):
        return "running"
    try:
        result = read_result(directory)
    except AblateError:
        return "failed"
    if result is None:
        return "missing"
    if result.status == "failed":
        return "failed"
    if key is not None and result.key != key:
        return "stale"
    return "not_converged" if result.status == "diverged" else "done"
