"""From a study's ledger, or from the frames committed beside its report, to the report."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import AblateError, ConfigError, nearest, one_of
from ablate.report.check import check
from ablate.report.currency import currency, is_current, mark_current
from ablate.report.helpers import helpers, worth
from ablate.report.manifest import read_manifest
from ablate.report.side_by_side import cores, for_each
from ablate.store.index import read_index
from ablate.store.pack import ledger, packed
from ablate.store.reader import finished
from ablate.store.state import studies
from ablate.study.lockfile import NAME as LOCK_NAME
from ablate.study.lockfile import Locked, read_lock

if TYPE_CHECKING:
    import pandas as pd

    from ablate.report.frame import Frames
    from ablate.report.held_out import HeldOut, HeldOutReader
    from ablate.report.ledger_frames import CellRuns


@dataclass(frozen=True)
class Written:
    """A report on disk: its folder, its answer, and whether it was made anew.

    warnings what the data warn of: kind, claim and text
    claims   what its table of claims says of each, by name of the column
    missing  a sentence per table or figure that the runs could not give
    """

    directory: Path
    answer: str
    claims: tuple[Mapping[str, str], ...]
    missing: tuple[str, ...]
    changed: bool
    warnings: tuple[Mapping[str, str | None], ...] = ()


def regenerate(root: Path, study: str, force: bool = False) -> Written:
    """Bring one report up to the ledger; a current one is left alone unless `force` is given.

    It is current where it was made from these runs, this declaration and this version of the code
    (`ablate.report.currency`). Where the ledger does not have all runs (a fresh clone), the report
    is made from the frames that lie in its folder. Raises ConfigError where there is neither.
    """
    written = _brought_up(root, study, force, cores())
    if written.changed:
        from ablate.report.overview import write_overview

        write_overview(root)
    return written


def regenerate_reports(root: Path, names: Sequence[str]) -> list[Written]:
    """Make the named reports anew, or all there are; none where a name is wrong."""
    for name in names:
        _check_known(root, name)
    made = for_each(_made_anew, root, names or known_reports(root))
    if made:
        from ablate.report.overview import write_overview

        write_overview(root)
    return made


def _made_anew(root: Path, study: str, cores: int) -> Written:
    return _brought_up(root, study, True, cores)


def _brought_up(root: Path, study: str, force: bool, cores: int) -> Written:
    """Bring one report up to the ledger, and leave the index over all reports as it is.

    cores  that it may keep busy
    """
    directory = root / "reports" / study
    with _read(root, study) as source:
        locked, ended = source.locked, source.ended
        wanted = None if ended is None else currency(locked, ended)
        current = wanted is not None and not force and is_current(root, study, wanted)
        if not current:
            _write(root, source, directory, cores)
            if wanted is not None and source.ledger == root:
                mark_current(root, study, wanted)
    manifest = read_manifest(directory) or {}
    return Written(
        directory=directory,
        answer=str(manifest.get("answer", "")),
        claims=tuple(manifest.get("verdicts", ())),
        missing=tuple(manifest.get("missing", ())),
        changed=not current,
        warnings=tuple(manifest.get("warnings", ())),
    )


def check_reports(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the files of reports that are not what would be written now, on any processor.

    Where no report is named, the pages over all of them are held against what they say as well.
    """
    from ablate.report.overview import check_overview

    found = for_each(_checked, root, names or known_reports(root))
    return [*(path for paths in found for path in paths), *([] if names else check_overview(root))]


def _checked(root: Path, study: str, cores: int) -> list[Path]:
    directory = root / "reports" / study
    with _read(root, study) as source:

        def write(fresh: Path) -> None:
            _write(root, source, fresh, cores, pictures=directory)

        return [directory / file for file in check(directory, write)]


def slides(root: Path, study: str) -> list[Path]:
    """Draw a report's figures from the frames in its folder as slides; return their files.

    Nothing else of the report changes. Raises ConfigError where there is no report.
    """
    from ablate.report.frame import stored_frames
    from ablate.report.slides import write_slides

    directory = root / "reports" / study
    if not (directory / "runs.parquet").exists():
        raise ConfigError(
            f"study '{study}' has no report yet; make it with: ablate report {study}."
        )
    with ledger(root, study) as there:
        return write_slides(_locked(root, there, study), stored_frames(directory), directory)


def load_frame(root: Path, study: str, name: str = "runs") -> pd.DataFrame:
    """Return one of a study's frames, from the complete ledger or else from its report's folder.

    Of the ledger no more is read than the frame needs. Raises ConfigError where there is neither,
    or for a name that is no frame's; DataError where the frame needs a test set that is not there.
    """
    from ablate.report.frame import COLUMNS, read_frame
    from ablate.report.held_out import held_out_reader
    from ablate.report.ledger_frames import frames, runs_frame
    from ablate.report.stored import taken

    if name not in COLUMNS:
        raise ConfigError(f"there is no frame '{name}'; allowed are {one_of(COLUMNS)}.")
    directory = root / "reports" / study
    with ledger(root, study) as there:
        if name == "runs":
            cells = read_index(there, study) or []
            runs = runs_frame((cell, list(finished(there, study, cell))) for cell in cells)
            if cells and len(runs) == sum(cell.replicates for cell in cells):
                return runs
        elif (ended := _complete(there, study)) is not None:
            found = frames(there, study, ended, {name}, held_out_reader(root, {}))
            return taken(getattr(found, name))
    if not (directory / "runs.parquet").exists():
        raise ConfigError(f"study '{study}' has neither a finished sweep nor a report in {root}.")
    return read_frame(directory, name)


def known_reports(root: Path) -> list[str]:
    """Return every study that has runs or a report here."""
    found = {*studies(root), *packed(root)}
    found |= {path.parent.name for path in (root / "reports").glob("*/manifest.json")}
    return sorted(found - {"run"})


@dataclass(frozen=True)
class _Source:
    """What a report is made from.

    study   its folder's name
    ledger  the root below which its runs lie
    ended   by cell if there is a result for every run, else None
    """

    study: str
    ledger: Path
    locked: Locked
    ended: list[CellRuns] | None


@contextmanager
def _read(root: Path, study: str) -> Iterator[_Source]:
    with ledger(root, study) as there:
        yield _Source(study, there, _locked(root, there, study), _complete(there, study))


def _check_known(root: Path, study: str) -> None:
    if study not in packed(root):
        _locked(root, root, study)


def _locked(root: Path, ledger: Path, study: str) -> Locked:
    locked = read_lock(ledger / "runs" / study) or read_lock(root / "reports" / study)
    if locked is None:
        known = known_reports(root)
        have = f"there are {one_of(known)}" if known else "there are none yet"
        raise ConfigError(
            f"study '{study}' has neither runs nor a report here; {have}.{nearest(study, known)}"
        )
    return locked


def _complete(root: Path, study: str) -> list[CellRuns] | None:
    """Return the study's runs by cell if the ledger has a result for every one, else None."""
    cells = read_index(root, study) or []
    ended: list[CellRuns] = [(cell, list(finished(root, study, cell))) for cell in cells]
    whole = cells and all(len(runs) == cell.replicates for cell, runs in ended)
    return ended if whole else None


def _write(
    root: Path, source: _Source, directory: Path, cores: int, pictures: Path | None = None
) -> None:
    """Write a report; its PNG and GIF are taken over from the folder `pictures` where given."""
    locked = source.locked
    # What helpers import takes as long as all that is done here before they are asked.
    with helpers(worth(len(locked.study.report), cores)) as started:
        _write_frames(root, source, directory)
        from ablate.report.build import build_report
        from ablate.report.frame import stored_frames

        build_report(locked, stored_frames(directory), directory, pictures, started)


def _write_frames(root: Path, source: _Source, directory: Path) -> None:
    """Write what a report is made from: its frames, images and lock file."""
    from ablate.report.changed_examples import write_test_sets
    from ablate.report.frame import OPTIONAL, path_of
    from ablate.report.held_out import held_out_reader
    from ablate.report.images import write_images

    study, locked, ended = source.study, source.locked, source.ended
    home = root / "reports" / study
    directory.mkdir(parents=True, exist_ok=True)
    lock = source.ledger / "runs" / study / LOCK_NAME
    _unlink(directory, () if ended is not None and lock.exists() else (".parquet", ".yaml"))
    if ended is not None:
        # All is read before the first file is replaced: data that is missing spoils no report.
        test_sets: dict[str, HeldOut] = {}
        with tempfile.TemporaryDirectory(prefix=".frames-", dir=directory) as name:
            held_out = held_out_reader(root, test_sets)
            found = write_ledger(source.ledger, locked, ended, held_out, Path(name))
            write_images(locked, root, directory)
            write_test_sets(locked.study, found, test_sets.values(), directory)
            for optional in OPTIONAL:
                path_of(directory, optional).unlink(missing_ok=True)
            for path in Path(name).iterdir():
                path.replace(directory / path.name)
    elif not (home / "runs.parquet").exists():
        raise ConfigError(
            f"study '{study}': the sweep is not finished and no earlier report has its frames; "
            f"go on with: ablate sweep study={study}."
        )
    elif directory != home:
        for path in home.glob("*.parquet"):
            shutil.copyfile(path, directory / path.name)
    declared = lock if lock.exists() else home / LOCK_NAME
    if declared.parent != directory:
        shutil.copyfile(declared, directory / LOCK_NAME)


def write_ledger(
    root: Path, locked: Locked, runs: Sequence[CellRuns], held_out: HeldOutReader, directory: Path
) -> Frames:
    """Write the frames that the study's report is made from into an empty directory; return them.

    Where the data (or the user's code that makes it) is not at hand no report fails for want of the
    frame `examples`: it is left out. Raises DataError or ConfigError where an item asks for another
    frame that needs the data.
    """
    from ablate.report.circumstances import facts_of
    from ablate.report.ledger_frames import write_ledger_frames
    from ablate.report.thin import thinned, wanted

    study = locked.study
    asked = wanted(study, [cell for cell, _ in runs], facts_of(locked).is_trained)
    place, thin = (directory, root, study.name), partial(thinned, study=study)
    try:
        return write_ledger_frames(*place, runs, asked, thin, held_out)
    except AblateError:
        if "calibration" in asked or not asked["examples"]:
            raise
        return write_ledger_frames(*place, runs, {**asked, "examples": ()}, thin)


def _unlink(directory: Path, read: Sequence[str]) -> None:
    """Take away links among a report's files: written through, they would change another's file.

    read  the endings of files that are only read
    """
    for path in directory.iterdir():
        if path.is_symlink() and path.suffix not in read:
            path.unlink()
