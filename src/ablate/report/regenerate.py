"""From a study's ledger, or from the frames committed beside its report, to the report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import ConfigError, nearest, one_of
from ablate.report.manifest import RunResult, check, digest, is_current, read_manifest
from ablate.store.cell import LedgerCell
from ablate.store.index import read_index
from ablate.store.reader import finished
from ablate.store.state import studies
from ablate.study.lockfile import NAME as LOCK_NAME
from ablate.study.lockfile import Locked, read_lock

if TYPE_CHECKING:
    from ablate.report.frame import Frames


@dataclass(frozen=True)
class Written:
    """A report on disk: its folder, what it says in one sentence, and whether it was made anew.

    claims   what its table of claims says of each, by name of the column
    missing  a sentence per table or figure that the runs could not give
    """

    directory: Path
    answer: str
    claims: tuple[Mapping[str, str], ...]
    missing: tuple[str, ...]
    changed: bool


def regenerate(root: Path, study: str, force: bool = False) -> Written:
    """Bring one report up to the ledger; a current one is left alone unless `force` is given.

    Where the ledger does not have all runs (a fresh clone), the report is made from the frames
    that lie in its folder. Raises ConfigError where there is neither.
    """
    directory = root / "reports" / study
    locked, cells = _locked(root, study), _complete(root, study)
    current = (
        cells is not None
        and not force
        and is_current(directory, digest(locked.study, ledger_results(root, study, cells)))
    )
    if not current:
        from ablate.report.pages import write_index

        _write(root, study, locked, cells, directory)
        write_index(root / "reports")
    manifest = read_manifest(directory) or {}
    return Written(
        directory=directory,
        answer=str(manifest.get("answer", "")),
        claims=tuple(manifest.get("verdicts", ())),
        missing=tuple(manifest.get("missing", ())),
        changed=not current,
    )


def regenerate_reports(root: Path, names: Sequence[str]) -> list[Written]:
    """Make the named reports anew, or all there are; none where a name is wrong."""
    for name in names:
        _locked(root, name)
    return [regenerate(root, name, force=True) for name in names or known_reports(root)]


def check_reports(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the files of reports that are not what would be written now."""
    differing = []
    for name in names or known_reports(root):
        directory = root / "reports" / name
        write = partial(_write, root, name, _locked(root, name), _complete(root, name))
        differing += [directory / file for file in check(directory, write)]
    return differing


def ledger_results(root: Path, study: str, cells: Sequence[LedgerCell]) -> list[RunResult]:
    """Return what the ledger has of a study's runs, without the arrays that a frame takes."""
    return [
        RunResult(cell.slug, replicate, result.key, result.status, result.metrics)
        for cell in cells
        for replicate, _, result in finished(root, study, cell)
    ]


def slides(root: Path, study: str) -> list[Path]:
    """Draw a report's figures from the frames in its folder as slides; return their files.

    Nothing else of the report changes. Raises ConfigError where there is no report.
    """
    from ablate.report.frame import read_frames
    from ablate.report.slides import write_slides

    directory = root / "reports" / study
    if not (directory / "runs.parquet").exists():
        raise ConfigError(
            f"study '{study}' has no report yet; make it with: ablate report {study}."
        )
    return write_slides(_locked(root, study), read_frames(directory), directory)


def load_frames(root: Path, study: str) -> Frames:
    """Return a study's frames, from the complete ledger or else from its report's folder."""
    from ablate.report.frame import frames, read_frames

    cells = _complete(root, study)
    directory = root / "reports" / study
    if cells is not None:
        return frames(root, study, cells)
    if not (directory / "runs.parquet").exists():
        raise ConfigError(f"study '{study}' has neither a finished sweep nor a report in {root}.")
    return read_frames(directory)


def known_reports(root: Path) -> list[str]:
    """Return every study that has runs or a report here."""
    found = set(studies(root))
    found |= {path.parent.name for path in (root / "reports").glob("*/manifest.json")}
    return sorted(found - {"run"})


def _locked(root: Path, study: str) -> Locked:
    locked = read_lock(root / "runs" / study) or read_lock(root / "reports" / study)
    if locked is None:
        known = known_reports(root)
        have = f"there are {one_of(known)}" if known else "there are none yet"
        raise ConfigError(
            f"study '{study}' has neither runs nor a report here; {have}.{nearest(study, known)}"
        )
    return locked


def _complete(root: Path, study: str) -> list[LedgerCell] | None:
    """Return the study's cells if the ledger has a result for every run, else None."""
    cells = read_index(root, study)
    ended = sum(1 for cell in cells or () for _ in finished(root, study, cell))
    return cells if cells and ended == sum(cell.replicates for cell in cells) else None


def _write(
    root: Path, study: str, locked: Locked, cells: list[LedgerCell] | None, directory: Path
) -> None:
    from ablate.report.build import build_report
    from ablate.report.frame import frames, read_frames, write_frames
    from ablate.report.images import label_reader, write_images

    home = root / "reports" / study
    directory.mkdir(parents=True, exist_ok=True)
    if cells is not None:
        extras = {extra for item in locked.study.report for extra in item.extras}
        labels = label_reader(root) if "calibration" in extras else None
        # All is read before the first file is written: data that is missing spoils no report.
        found = frames(root, study, cells, labels, "timings" in extras)
        write_images(locked, root, directory)
        write_frames(found, directory)
    elif not (home / "runs.parquet").exists():
        raise ConfigError(
            f"study '{study}': the sweep is not finished and no earlier report has its frames; "
            f"go on with: ablate sweep study={study}."
        )
    elif directory != home:
        for path in home.glob("*.parquet"):
            shutil.copyfile(path, directory / path.name)
    lock = root / "runs" / study / LOCK_NAME
    source = lock if lock.exists() else home / LOCK_NAME
    if source.parent != directory:
        shutil.copyfile(source, directory / LOCK_NAME)
    build_report(locked, read_frames(directory), directory)
