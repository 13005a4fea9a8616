from __future__ import annotations

import re

import pytest

from ablate.report.manifest import FigureFiles
from ablate.report.pages import aligned_rows, image_address
from ablate.report.printed_table import Entry, PrintedTable

UNSEEN = re.compile(r'<span class="pad" aria-hidden="true">([^<]*)</span>')


def aligned(*texts):
    rows = tuple((f"row {i}", (Entry(text),)) for i, text in enumerate(texts))
    grid = PrintedTable("", "", ("x",), rows)
    return [str(cells[0]) for _, cells in aligned_rows(grid)]


def test_numbers_are_padded_to_one_width():
    cells = aligned("98.31 ± 0.06", "97.5 ± 0.2", "88 ± 16", "n/c")
    assert [UNSEEN.sub(r"\1", cell) for cell in cells] == [
        "98.31 ± 00.06", "97.50 ± 00.20", "88.00 ± 16.00", "n/c"
    ]  # fmt: skip
    seen = [UNSEEN.sub("", cell) for cell in cells]
    assert seen == ["98.31 ± 0.06", "97.5 ± 0.2", "88 ± 16", "n/c"]


@pytest.mark.parametrize("texts", [("12", "3"), ("12.5", "3"), ("n/c", "–")])
def test_what_is_seen_is_what_was_given(texts):
    assert tuple(UNSEEN.sub("", cell) for cell in aligned(*texts)) == texts


def test_names_are_escaped():
    assert aligned("<b>") == ["&lt;b&gt;"]


@pytest.mark.parametrize(("size", "kind"), [(100, "image/svg+xml"), (400_000, "image/png")])
def test_large_svg_gives_way_to_png(tmp_path, size, kind):
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    svg.write_bytes(b" " * size)
    png.write_bytes(b"png")
    assert image_address(FigureFiles("a", 1, "", svg, png)).startswith(f"data:{kind};base64,")
