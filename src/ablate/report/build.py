"""Making a report: tables, figures, pages and manifest from frames that are on disk already."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.report.aa_control import control_text
from ablate.report.answer import answer
from ablate.report.changed import (
    as_exploratory,
    changes_told,
    rule_text,
    with_exploratory_claims,
)
from ablate.report.circumstances import Facts, facts_of
from ablate.report.context import Context, Tabulated
from ablate.report.exhibits import exhibits_of
from ablate.report.frame import Frames
from ablate.report.judged import judged
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
from ablate.report.parts import each_part
from ablate.report.printed_claims import claims_csv, print_claims, told
from ablate.report.printed_table import PrintedTable, to_markdown, to_tex
from ablate.report.sizes import PAPER, Style
from ablate.report.tracked import write_tracked
from ablate.report.tuned_and_fixed import at_values, at_values_csv, print_at_values
from ablate.report.tuning_noise import coverage_text
from ablate.report.verdicts import Verdict
from ablate.report.warning import DataWarning
from ablate.report.warnings import warnings_of
from ablate.study.items import Effects, Item, Table, refused_items
from ablate.study.lockfile import Locked
from ablate.study.names import shortened
from ablate.study.schema import Study

if TYPE_CHECKING:
    from ablate.report.figures.canvas import Drawing


def build_report(
    locked: Locked, frames: Frames, directory: Path, pictures: Path | None = None
) -> Path:
    """Write the report of a study into `directory`; return the path of its `README.md`.

    frames    as `read_frames(directory)` gives them: what is drawn is what is committed
    pictures  a folder whose PNG and GIF are taken over instead of being drawn

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
    count = itertools.count(1)
    taken: set[str] = set()
    for exhibit in _exhibits(locked, frames, facts, configs, verdicts, warnings, directory):
        if isinstance(exhibit, Tabulated):
            tables.append(_write_table(exhibit, len(tables) + 1, directory))
        elif isinstance(exhibit, str):
            figures.append(exhibit)
        else:
            stem = _stem(exhibit.name, taken)
            taken.add(stem.lower())
            files = replace(exhibit, name=stem).save(directory, pictures)
            figures.append(FigureFiles(stem, next(count), exhibit.caption, *files))
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
    found, facts, taken = judged(locked, frames), facts_of(locked), set[str]()
    frames, configs, verdicts = found.frames, found.configs, found.verdicts
    for made in _exhibits(locked, frames, facts, configs, verdicts, (), directory, style):
        if not isinstance(made, (Tabulated, str)):
            stem = _stem(made.name, taken)
            taken.add(stem.lower())
            yield replace(made, name=stem)


def _stem(name: str, taken: Collection[str]) -> str:
    """Return what a figure's files are called: short, without signs, and no other's name.

    taken  the names of others in lower case, as some file systems see them
    """
    stem = shortened(re.sub(r"[^\w.+=-]+", "_", name))
    others = (f"{stem}-{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([stem], others) if one.lower() not in taken)


def _exhibits(
    locked: Locked,
    frames: Frames,
    facts: Facts,
    configs: Mapping[str, RunConfig],
    verdicts: tuple[Verdict, ...],
    warnings: Sequence[DataWarning],
    directory: Path,
    style: Style = PAPER,
) -> Iterator[Tabulated | Drawing | str]:
    """Yield what every item makes, or why it cannot; then the tables of the claims."""
    study = locked.study
    # A lock file may be older than what is refused today.
    refused = list(refused_items(study, [c for c in locked.cells if not c.config.control]))
    for item in _items(study, facts):
        reasons = [why for one, why in refused if one == item]
        yield from (f"{item.kind} is missing: it {why}." for why in reasons)
        if reasons:
            continue
        for suffix, alone, own in each_part(item, study, frames):
            context = Context(item, alone, own, configs, facts, verdicts, directory, style)
            try:
                for made in exhibits_of(context):
                    if not isinstance(made, Tabulated):
                        made = replace(made, name=f"{made.name}{suffix}")
                    yield as_exploratory(made) if item in locked.exploratory_items else made
            except ReportError as error:
                yield f"{item.kind}{suffix} is missing: {error}"
    if verdicts:
        claims = print_claims(
            verdicts, locked.declarations, warnings, locked.claims_reworded, coverage_text(study)
        )
        claims = with_exploratory_claims(claims, verdicts, locked.exploratory_claims)
        yield Tabulated(claims, {"": claims_csv(verdicts)})
    fixed = at_values(study, frames, configs)
    if fixed:
        yield Tabulated(print_at_values(fixed, study), {"": at_values_csv(fixed)})


def _items(study: Study, facts: Facts) -> tuple[Item, ...]:
    """Return what the study asks for, and what every study of its kind gets all the same."""
    items = study.report
    kinds = {item.kind for item in items}
    if study.factors and facts.is_trained and not kinds & {"table", "variance_shares"}:
        items = (Table(), *items)
    return (*items, Effects()) if study.claims and "effects" not in kinds else items


def _write_table(table: Tabulated, number: int, directory: Path) -> PrintedTable:
    """Write a table as Markdown, LaTeX and CSV; return it with its name and files."""
    grid = replace(table.printed, name=f"table-{number}")
    texts = {f"{grid.name}.md": to_markdown(grid), f"{grid.name}.tex": to_tex(grid)}
    texts |= {f"{grid.name}{suffix}.csv": text for suffix, text in table.csv.items()}
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return replace(grid, files=tuple(texts))
