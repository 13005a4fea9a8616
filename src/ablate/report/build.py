"""Making a report: tables, figures, pages and manifest from frames that are on disk already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import ReportError
from ablate.report.aa_control import control_text
from ablate.report.answer import answer
from ablate.report.changed import changes_told, rule_text, with_exploratory_claims
from ablate.report.circumstances import facts_of
from ablate.report.context import Tabulated
from ablate.report.contradictions import contradictions
from ablate.report.frame import Frames
from ablate.report.judged import Judged, judged
from ablate.report.manifest import (
    NAME,
    FigureFiles,
    Report,
    digest,
    file_digests,
    manifest_text,
    read_manifest,
    results_of,
)
from ablate.report.origins import origins
from ablate.report.pages import write_pages
from ablate.report.pieces import exhibits, pieces_of, stem_of
from ablate.report.printed_claims import claims_csv, print_claims, told
from ablate.report.printed_table import PrintedTable, to_markdown, to_tex
from ablate.report.sizes import Style
from ablate.report.together import make_all
from ablate.report.tracked import write_tracked
from ablate.report.tuned_and_fixed import at_values, at_values_csv, print_at_values
from ablate.report.tuning_noise import coverage_text
from ablate.report.warning import DataWarning
from ablate.report.warnings import warnings_of
from ablate.study.lockfile import Locked

if TYPE_CHECKING:
    from ablate.report.figures.canvas import Drawing


def build_report(
    locked: Locked,
    frames: Frames,
    directory: Path,
    pictures: Path | None = None,
    helpers: Sequence[Connection] = (),
) -> Path:
    """Write the report of a study into `directory`; return the path of its `README.md`.

    frames    as `read_frames(directory)` gives them: what is drawn is what is committed
    pictures  a folder whose PNG and GIF are taken over instead of being drawn
    helpers   processes that make a share of it, from the frames in `directory`

    The same declaration and frames give the same bytes. Files of an earlier report that this
    one no longer has are removed. An item that the runs cannot give is named in its place.
    """
    study, facts = locked.study, facts_of(locked)
    directory.mkdir(parents=True, exist_ok=True)
    before = read_manifest(directory)
    found, raw = judged(locked, frames), frames.runs
    configs, everything, verdicts = found.configs, found.everything, found.verdicts
    frames = found.frames
    warnings = warnings_of(study, frames, facts, configs, verdicts)
    tables: list[PrintedTable] = []
    figures: list[FigureFiles | str] = []
    everything_made = itertools.chain(
        make_all(locked, found, directory, pictures, helpers), _of_claims(locked, found, warnings)
    )
    for made in everything_made:
        if isinstance(made, Tabulated):
            tables.append(_write_table(made, len(tables) + 1, directory))
        elif isinstance(made, str):
            figures.append(made)
        else:
            number = 1 + sum(isinstance(one, FigureFiles) for one in figures)
            figures.append(replace(made, number=number))
    try:
        sentence = answer(study, frames, facts, configs, verdicts)
    except ReportError as error:
        sentence = f"The runs give no answer: {error}"
    try:
        control = control_text(study, everything, configs)
    except ReportError as error:
        control = f"The A/A control tells nothing: {error}"
    report = Report(
        study=study,
        facts=facts,
        answer=sentence,
        tables=tables,
        figures=figures,
        origins=origins(study, everything.runs, len(configs)),
        digest=digest(study, results_of(raw)),
        control=control,
        warnings=warnings,
        contradictions=tuple(contradictions(study, verdicts)),
        deviations=changes_told(locked),
        deviation_rule=rule_text(locked),
    )
    names = [name for table in tables for name in table.files]
    names += [name for figure in report.drawn for name in figure.files]
    names += write_pages(report, everything.runs, directory)
    cell_names = {cell.slug: cell.name for cell in locked.cells}
    names += write_tracked(study, verdicts, frames, cell_names, directory)
    for name in set(before["files"] if before else ()) - set(names):
        (directory / name).unlink(missing_ok=True)
    # Last, so that a report cut short has no manifest that calls it current.
    digests = file_digests(directory, names)
    text = manifest_text(report, everything.runs, names, told(verdicts), digests)
    (directory / NAME).write_text(text, encoding="utf-8")
    return directory / "README.md"


def drawings(locked: Locked, frames: Frames, directory: Path, style: Style) -> Iterator[Drawing]:
    """Yield the figures of a report in the sizes of a style, under names that differ."""
    found, taken = judged(locked, frames), set[str]()
    for piece in pieces_of(locked):
        for made in exhibits(piece, locked, found, directory, style):
            if not isinstance(made, (Tabulated, str)):
                stem = stem_of(made.name, taken)
                taken.add(stem.lower())
                yield replace(made, name=stem)


def _of_claims(
    locked: Locked, found: Judged, warnings: Sequence[DataWarning]
) -> Iterator[Tabulated]:
    """Yield the tables of the claims, which stand behind all else."""
    study, verdicts = locked.study, found.verdicts
    if verdicts:
        claims = print_claims(
            verdicts, locked.declarations, warnings, locked.claims_reworded, coverage_text(study)
        )
        claims = with_exploratory_claims(claims, verdicts, locked.exploratory_claims)
        yield Tabulated(claims, {"": claims_csv(verdicts)})
    fixed = at_values(study, found.frames, found.configs)
    if fixed:
        yield Tabulated(print_at_values(fixed, study), {"": at_values_csv(fixed)})


def _write_table(table: Tabulated, number: int, directory: Path) -> PrintedTable:
    """Write a table as Markdown, LaTeX and CSV; return it with its name and files."""
    grid = replace(table.printed, name=f"table-{number}")
    texts = {f"{grid.name}.md": to_markdown(grid), f"{grid.name}.tex": to_tex(grid)}
    texts |= {f"{grid.name}{suffix}.csv": text for suffix, text in table.csv.items()}
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return replace(grid, files=tuple(texts))
