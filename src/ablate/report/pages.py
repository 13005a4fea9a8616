"""The pages of a report: `README.md` for a code host, `index.html` in one file, the index."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from html import escape as quoted
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ablate.report.columns import FACTOR, page_name
from ablate.report.manifest import FigureFiles, Report, read_reports
from ablate.report.page_colors import dark_rules, has_numbers_on_fields
from ablate.report.printed_table import PrintedTable, plain, to_markdown

if TYPE_CHECKING:
    import pandas as pd

#: The folder, beside those of reports, that has the pages of lectures.
LECTURES = "lectures"
_TEMPLATES = Path(__file__).parent / "templates"
_NUMBER = re.compile(r"^(−?\d+)(\.\d+)?(?: ± (\d+)(\.\d+)?)?$")


def write_pages(report: Report, runs: "pd.DataFrame", directory: Path) -> list[str]:
    """Write `README.md` and `index.html`; return their names.

    runs  the frame, for the keys behind each cell
    """
    drawn = [figure.svg.read_text(encoding="utf-8") for figure in report.drawn]
    own = {
        "cells": as_json(cells_of(runs)),
        "dark": Markup(dark_rules(drawn)),
        "script": script("common.js", "page.js", "figures.js"),
    }
    return write_templates("report", directory, report=report, **own, **vars(report))


def write_index(reports: Path, lectures: Sequence[str], folder: Path) -> None:
    """Write `README.md` and `index.html` over all reports below `reports`; quick ones left out.

    lectures  those that have a page
    folder    where the two are written
    """
    own = {"lectures": lectures, "script": script("common.js", "index.js")}
    write_templates("index", folder, reports=read_reports(reports), **own)


def write_templates(name: str, directory: Path, **values: object) -> list[str]:
    """Write the pages of the templates of that name; return the files' names."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=lambda template: str(template).endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "plain": plain,
        "markdown": to_markdown,
        "aligned": aligned_rows,
        "inline": inline,
        "outcome": outcome,
        "address": data_address,
    }
    templates = {"README.md": f"{name}.md.j2", "index.html": f"{name}.html.j2"}
    for page, template in templates.items():
        path = directory / page
        if path.is_symlink():
            path.unlink()  # written through, it would change another's file
        path.write_text(environment.get_template(template).render(values), encoding="utf-8")
    return list(templates)


def aligned_rows(grid: PrintedTable) -> list[tuple[str, Sequence[Markup]]]:
    """Return rows of HTML cells, padded unseen so that points and ± stand below each other."""
    labels, entries = zip(*grid.rows, strict=True)
    columns = [_aligned([entry.text for entry in column]) for column in zip(*entries, strict=True)]
    return list(zip(labels, zip(*columns, strict=True), strict=True))


def inline(figure: FigureFiles) -> Markup:
    """Return the markup of a figure's SVG, named by the first sentence of its caption."""
    text = figure.svg.read_text(encoding="utf-8")
    width = re.search(r'width="([\d.]+)pt"', text)
    said = f'role="img" aria-label="{quoted(first_sentence(figure.caption))}"'
    style = f' style="--width:{width[1]}"' if width else ""
    if has_numbers_on_fields(text):
        style += ' class="paper"'
    return Markup(text.replace("<svg ", f"<svg {said}{style} ", 1))


def outcome(verdict: str) -> str:
    """Return the word of a verdict, without what would tell more."""
    return verdict.partition(";")[0]


def first_sentence(text: str) -> str:
    """Return a text up to the first point that ends a sentence."""
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]


def cells_of(runs: "pd.DataFrame") -> dict[str, Any]:
    """Return what the page's script knows of each cell: its levels, and its runs by replicate.

    A run is the first digits of its key and how it ended.
    """
    cells: dict[str, Any] = {}
    columns = [str(name) for name in runs if str(name).startswith(FACTOR)]
    factors = {name: page_name(name.removeprefix(FACTOR)) for name in columns}
    for run in runs.sort_values(["cell", "replicate"]).to_dict("records"):
        levels = {own: run[name] for name, own in factors.items() if isinstance(run[name], str)}
        cell = cells.setdefault(run["cell"], {"levels": levels, "runs": {}})
        cell["runs"][str(int(run["replicate"]))] = [run["key"][:8], run["status"]]
    return cells


def as_json(content: Mapping[str, Any]) -> Markup:
    """Return JSON that can stand in a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def script(*names: str) -> Markup:
    """Return scripts as one that keeps its names to itself, without comments and indents."""
    lines = [
        line.strip()
        for name in names
        for line in (_TEMPLATES / name).read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.strip().startswith("//")
    ]
    return Markup("\n".join(['"use strict";', "{", *lines, "}"]))


def data_address(path: Path, kind: str) -> str:
    """Return a file as a data address."""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _aligned(texts: Sequence[str]) -> list[Markup]:
    matches = [_NUMBER.match(text) for text in texts]
    parts = [match.groups(default="") if match else None for match in matches]
    widths = [max((len(part[i]) for part in parts if part), default=0) for i in range(4)]
    aligned = []
    for text, part in zip(texts, parts, strict=True):
        html = _padded(part[:2], widths[:2]) if part else escape(text)
        if part and part[2]:
            html += " ± " + _padded(part[2:], widths[2:])
        aligned.append(html)
    return aligned


def _padded(number: Sequence[str], widths: Sequence[int]) -> Markup:
    """Return a number with what it lacks of two widths: before its point, and from there on."""
    (whole, decimals), (before, behind) = number, widths
    missing = ("." + "0" * (behind - 1))[len(decimals) :] if behind else ""
    return _unseen("0" * (before - len(whole))) + whole + decimals + _unseen(missing)


def _unseen(text: str) -> Markup:
    if not text:
        return Markup("")
    return Markup('<span class="pad" aria-hidden="true">{}</span>').format(text)
