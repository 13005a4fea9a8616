"""Whether a report is what ledger, declaration and this code would make: a mark beside the runs.

The mark is the machine's own, `runs/<study>/.reported`: a report that came with a clone or from
another version of the code has none that fits, and is made anew.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from ablate.report.check import altered_files
from ablate.report.manifest import NAME
from ablate.store.cell import LedgerCell
from ablate.store.files import json_bytes, sha256, write_atomically
from ablate.store.reader import Finished
from ablate.study.lockfile import Locked

_MARK = ".reported"
_HOME = Path(__file__).parents[1]
#: What a page is made by: rooms of this package, and libraries of others.
_ROOMS = ("lessons", "metrics", "report", "stats", "study")
_LIBRARIES = (
    "jinja2", "matplotlib", "numpy", "pandas", "pillow", "pyarrow", "scipy", "seaborn",
    "statsmodels",
)  # fmt: skip


def currency(locked: Locked, runs: Iterable[tuple[LedgerCell, Iterable[Finished]]]) -> str:
    """Return a digest of all that a report depends on: with the same it need not be made again.

    runs  by cell; it has the whole of each result, with the provenance that the page prints
    """
    digest = hashlib.sha256()
    for _, ended in runs:
        for _, directory, r in ended:
            result = [r.key, r.status, dict(r.metrics), dict(r.digests), r.provenance]
            digest.update(json_bytes([directory.name, *result], Path(_MARK)))
    runs_digest = digest.hexdigest()
    content = {"declared": locked.digest, "runs": runs_digest, "made by": _made_by()}
    return sha256(json_bytes(content, Path(_MARK)))


def is_current(root: Path, study: str, wanted: str) -> bool:
    """Tell whether the report was made for the digest `wanted` here, and is whole."""
    mark, directory = _mark(root, study), root / "reports" / study
    return (
        mark.is_file()
        and mark.read_text(encoding="utf-8", errors="replace") == _content(wanted, directory)
        and not altered_files(directory)
    )


def mark_current(root: Path, study: str, wanted: str) -> None:
    """Note that the report on disk was made for the digest `wanted`."""
    content = _content(wanted, root / "reports" / study)
    write_atomically(_mark(root, study), content.encode())


def _content(wanted: str, directory: Path) -> str:
    """Return what a mark says: a report that is replaced has another manifest."""
    manifest = directory / NAME
    return f"{wanted} {sha256(manifest.read_bytes()) if manifest.is_file() else '-'}\n"


def _mark(root: Path, study: str) -> Path:
    return root / "runs" / study / _MARK


@lru_cache(maxsize=1)
def _made_by(home: Path = _HOME) -> dict[str, str]:
    """Return a digest of the sources that make a page, templates among them, and versions."""
    files = sorted(
        path
        for room in _ROOMS
        for path in (home / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    sources = {str(path.relative_to(home)): sha256(path.read_bytes()) for path in files}
    return {"sources": sha256(json_bytes(sources, home)), **{n: version(n) for n in _LIBRARIES}}
