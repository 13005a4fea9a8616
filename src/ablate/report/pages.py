"""The pages of a report: `README.md` for a code host, `index.html` in one file, the index."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ablate.report.manifest import FigureFiles, Report, read_manifest
from ablate.report.printed_table import PrintedTable, plain, to_markdown

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_SVG_BYTES = 300_000
_NUMBER = re.compile(r"^(−?\d+)(\.\d+)?(?: ± (\d+)(\.\d+)?)?$")


def write_pages(report: Report, directory: Path) -> list[str]:
    """Write `README.md` and `index.html`; return their names."""
    return _write("report", directory, report=report, **vars(report))


def write_index(reports: Path) -> Path:
    """Write `README.md` and `index.html` over all reports below `reports`; quick ones left out.

    Returns the path of `README.md`.
    """
    found = [
        (folder.name, manifest)
        for folder in sorted(reports.iterdir())
        if (manifest := read_manifest(folder)) is not None and not manifest.get("quick")
    ]
    _write("index", reports, reports=found)
    return reports / "README.md"


def _write(name: str, directory: Path, **values: object) -> list[str]:
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
        "image": image_address,
        "address": data_address,
    }
    templates = {"README.md": f"{name}.md.j2", "index.html": f"{name}.html.j2"}
    for page, template in templates.items():
        text = environment.get_template(template).render(values)
        (directory / page).write_text(text, encoding="utf-8")
    return list(templates)


def aligned_rows(grid: PrintedTable) -> list[tuple[str, Sequence[Markup]]]:
    """Return rows of HTML cells, padded unseen so that points and ± stand below each other."""
    labels, entries = zip(*grid.rows, strict=True)
    columns = [_aligned([entry.text for entry in column]) for column in zip(*entries, strict=True)]
    return list(zip(labels, zip(*columns, strict=True), strict=True))


def image_address(figure: FigureFiles) -> str:
    """Return a figure as a data address: the SVG, or the PNG where that is much smaller."""
    if figure.svg.stat().st_size > _MOST_SVG_BYTES:
        return data_address(figure.png, "image/png")
    return data_address(figure.svg, "image/svg+xml")


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
