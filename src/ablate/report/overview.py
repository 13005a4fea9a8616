"""What lies over all reports: their index, and the pages of lectures that are there."""

import tempfile
from pathlib import Path

from ablate.config.compose import conf_folders
from ablate.report.lecture_pages import reports_by_study, write_lecture
from ablate.report.pages import LECTURES, write_index
from ablate.study.lectures import read_syllabus


def write_overview(root: Path) -> None:
    """Bring the index and the lectures' pages that are there up to the reports.

    Raises ConfigError for files of `conf/lectures/` that cannot be read.
    """
    _write(root, root / "reports")


def check_overview(root: Path) -> list[Path]:
    """Return the pages over all reports that are not what would be written now."""
    reports = root / "reports"
    if not reports.is_dir():
        return []
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        _write(root, fresh)
        written = sorted(path for path in fresh.rglob("*") if path.is_file())
        pairs = [(path, reports / path.relative_to(fresh)) for path in written]
        return [there for path, there in pairs if not _is_same(path, there)]


def _write(root: Path, folder: Path) -> None:
    """Write into a folder, which may be another than that of the reports."""
    reports = root / "reports"
    names = sorted(path.parent.name for path in reports.glob(f"{LECTURES}/*/README.md"))
    write_index(reports, names, folder)
    if not names:
        return
    syllabus = read_syllabus(conf_folders(root))
    there = reports_by_study(reports)
    for name in names:
        if name in syllabus.lectures:
            write_lecture(folder, syllabus, name, there)


def _is_same(path: Path, there: Path) -> bool:
    return there.is_file() and there.read_bytes() == path.read_bytes()
