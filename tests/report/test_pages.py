from __future__ import annotations

import json
import re

import pytest
from frames_for_tests import factor, make_runs, make_study

from ablate.report.manifest import FigureFiles
from ablate.report.pages import aligned_rows, as_json, cells_of, inline, outcome, script
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


def test_a_figure_stands_in_the_page_once_and_is_named_by_its_first_sentence(tmp_path):
    svg = tmp_path / "a.svg"
    svg.write_text('<svg xmlns="x" width="244.8pt" height="9pt"><path d="M0 0"/></svg>')
    shown = inline(
        FigureFiles("a", 1, 'Loss "of" 95 % vs. he. Dots: runs.', svg, tmp_path / "a.png")
    )
    assert shown.startswith(
        '<svg role="img" aria-label="Loss &quot;of&quot; 95 % vs. he." style="--width:244.8" xmlns'
    )
    assert shown.endswith('width="244.8pt" height="9pt"><path d="M0 0"/></svg>')


def test_the_script_is_small_and_says_what_its_files_say():
    text = script("common.js", "page.js")
    assert len(text) < 17_000
    assert "//" not in text.replace("http://", "")
    assert "function nearest(svg, event) {" in text


def test_names_cannot_end_the_script_that_holds_the_runs():
    runs = make_runs(make_study(factor("init", ["</script>"])), {("</script>",): [0.9, "n/c"]})
    text = as_json(cells_of(runs))
    assert "<" not in text
    (cell,) = json.loads(text).values()
    assert cell["levels"] == {"init": "</script>"}
    assert cell["runs"] == {"0": ["key-init", "done"], "1": ["key-init", "diverged"]}


def test_verdicts_are_grouped_by_their_word():
    assert outcome("inconclusive; about 22 replicates would tell") == "inconclusive"
    assert outcome("supported") == "supported"
