"""Making a report: tables, figures, pages and manifest from frames that are on disk already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.report.aa_control import control_text, without_control
from ablate.report.answer import answer, untrained_answer
from ablate.report.circumstances import Facts
from ablate.report.compared import compare_to_base, compared_to_csv, print_compared
from ablate.report.factorial import contrasts_csv, factorial, print_contrasts
from ablate.report.figures import Figure, draw, draw_effects
from ablate.report.images import NAME as IMAGES
from ablate.report.manifest import NAME, Printed, digest, manifest_text, read_manifest, results_of
from ablate.report.pages import Page, write_pages
from ablate.report.parts import each_part
from ablate.report.printed import print_table, print_tuned
from ablate.report.printed_claims import claims_csv, print_claims, told
from ablate.report.printed_table import PrintedTable, to_markdown, to_tex
from ablate.report.provenance import origins
from ablate.report.published import (
    compare_with_published,
    comparison_to_csv,
    orderings_to_csv,
    print_comparison,
)
from ablate.report.shares import print_shares, shares, shares_answer, shares_csv
from ablate.report.tables import Table, make_tables, pairs_to_csv, to_csv, tuned_to_csv
from ablate.report.tuned_and_fixed import at_values, at_values_csv, print_at_values
from ablate.report.verdicts import judge
from ablate.study.schema import ReportItem, Study

if TYPE_CHECKING:
    from ablate.config import RunConfig
    from ablate.report.frame import Frames

#: Items of a report that are tables; all others are figures, and some are both.
_TABLES = ("table", "published", "compared_to_base")
_BOTH = ("variance_shares", "factor_effects")


def build_report(
    study: Study,
    frames: Frames,
    directory: Path,
    facts: Facts,
    configs: Mapping[str, RunConfig] | None = None,
) -> Path:
    """Write the report of `study` into `directory`; return the path of its `README.md`.

    frames   as `read_frames(directory)` gives them: what is drawn is what is committed
    configs  the config of each cell by slug, for theory in figures

    The same frames, study and facts give the same bytes. Files of an earlier report that this
    one no longer has are removed. Raises ConfigError for an item that the study cannot give.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = read_manifest(directory)
    everything, frames = frames, without_control(frames, configs or {})
    tables, printed = _write_tables(study, frames, directory, facts)
    figures: list[Figure] = []
    verdicts = judge(study, frames, configs or {}, facts.looks, facts.quick)
    if verdicts:
        name = f"table-{len(printed) + 1}"
        grid = print_claims(verdicts, name, facts.looks, facts.claims_changed)
        printed.append(_write(grid, {"": claims_csv(verdicts)}, directory))
    fixed = at_values(study, frames, configs or {})
    if fixed:
        grid = print_at_values(fixed, study, f"table-{len(printed) + 1}")
        printed.append(_write(grid, {"": at_values_csv(fixed)}, directory))
    items = study.report
    if verdicts and "effects" not in {item.kind for item in items}:
        items = (*items, ReportItem(kind="effects"))
    for item in items:
        if item.kind == "effects":
            figures += draw_effects(verdicts, study, directory)
        elif item.kind == "contact_sheet":
            figures.append(_contact_sheet(directory, study))
        elif item.kind not in _TABLES:
            for part, alone, own in each_part(item, study, frames):
                figures += draw(item, alone, own, directory, configs, part.suffix)
    noise = next((item for item in study.report if item.kind == "variance_shares"), None)
    if noise is not None:
        sentence = shares_answer(shares(noise, study, frames))
    elif facts.is_trained:
        sentence = " ".join(
            f"{part.name.capitalize()}: {answer(tables[part.name], study.part(part))}"
            if part.name
            else answer(tables[part.name], study)
            for part in study.all_parts
            if part.name in tables
        )
    else:
        sentence = untrained_answer(frames.layers, frames.runs, study)
    page = Page(
        study=study,
        facts=facts,
        answer=sentence,
        tables=tuple(printed),
        figures=tuple(figures),
        origins=tuple(origins(study, everything.runs, len(configs) if configs else None)),
        digest=digest(study, results_of(everything.runs)),
        control=control_text(study, everything, configs or {}),
    )
    files = [name for table in printed for name in table.files]
    files += [
        path.name for figure in figures for path in (figure.png, figure.svg, figure.gif) if path
    ]
    files += write_pages(page, directory)
    for name in set(before["files"] if before else ()) - set(files):
        (directory / name).unlink(missing_ok=True)
    text = manifest_text(study, everything.runs, sentence, printed, figures, files, told(verdicts))
    # Last, so that a report cut short has no manifest that calls it current.
    (directory / NAME).write_text(text, encoding="utf-8")
    return directory / "README.md"


def _write_tables(
    study: Study, frames: Frames, directory: Path, facts: Facts
) -> tuple[dict[str, list[Table]], list[Printed]]:
    """Write every table of the report; a study that asks for none gets one all the same.

    Returns the first tables of each part by the part's name, and everything that was written.
    """
    items = [item for item in study.report if item.kind in (*_TABLES, *_BOTH)]
    tabled = any(item.kind in ("table", "variance_shares") for item in items)
    if study.factors and facts.is_trained and not tabled:
        items.insert(0, ReportItem(kind="table"))
    own: dict[str, list[Table]] = {}
    printed: list[Printed] = []
    for item in items:
        for part, alone, mine in each_part(item, study, frames):
            tables, more = _item_tables(item, alone, mine, directory, facts, len(printed) + 1)
            printed += more
            if tables:
                own.setdefault(part.name, tables)
    return own, printed


def _item_tables(
    item: ReportItem, study: Study, frames: Frames, directory: Path, facts: Facts, first: int
) -> tuple[list[Table], list[Printed]]:
    """Write the tables of one item, numbered from `first`."""
    printed: list[Printed] = []
    if item.kind == "published":
        for c in compare_with_published(item, study, frames.runs, first):
            files = {"": comparison_to_csv(c, study), "-orderings": orderings_to_csv(c)}
            printed.append(_write(print_comparison(c, study), files, directory))
        return [], printed
    if item.kind == "factor_effects":
        contrasts = factorial(study, frames)
        grid = print_contrasts(contrasts, study, f"table-{first}")
        return [], [_write(grid, {"": contrasts_csv(contrasts)}, directory)]
    if item.kind == "variance_shares":
        found = shares(item, study, frames)
        return [], [
            _write(print_shares(found, f"table-{first}"), {"": shares_csv(found)}, directory)
        ]
    if item.kind == "compared_to_base":
        rows = compare_to_base(item, study, frames.runs)
        grid = print_compared(rows, item, study, f"table-{first}")
        return [], [_write(grid, {"": compared_to_csv(rows, item, study)}, directory)]
    tables = make_tables(item, study, frames.runs, first)
    for table in tables:
        files = {"": to_csv(table), "-pairs": pairs_to_csv(table)}
        printed.append(_write(print_table(table, study, facts), files, directory))
    if study.tune:
        for table in tables:
            grid = print_tuned(table, study, f"table-{first + len(printed)}")
            printed.append(_write(grid, {"": tuned_to_csv(table, study.tune.key)}, directory))
    return tables, printed


def _contact_sheet(directory: Path, study: Study) -> Figure:
    """Draw the images that lie beside the report."""
    from ablate.report.figures.select import DATA_NAMES
    from ablate.report.figures.sheet import contact_sheet

    name = str(study.baseline.get("data"))
    drawing = contact_sheet(directory / IMAGES, DATA_NAMES.get(name, name))
    return Figure(drawing.name, drawing.caption, *drawing.save(directory))


def _write(grid: PrintedTable, csv_files: Mapping[str, str], directory: Path) -> Printed:
    texts = {f"{grid.name}.md": to_markdown(grid), f"{grid.name}.tex": to_tex(grid)}
    texts |= {f"{grid.name}{suffix}.csv": text for suffix, text in csv_files.items()}
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return Printed(grid, tuple(texts))
