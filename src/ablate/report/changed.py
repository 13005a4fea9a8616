"""What was changed after a study's first run, as pages and manifest tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ablate.report.context import Tabulated
from ablate.report.printed_table import PrintedTable
from ablate.report.verdicts import Verdict
from ablate.stats import deviation_level
from ablate.study.lockfile import Locked

if TYPE_CHECKING:
    from ablate.report.figures.canvas import Drawing

_ADDED = "Exploratory: added after the first run."


def changes_told(locked: Locked) -> list[dict[str, Any]]:
    """Return the later declarations, each with its day, where one was kept, and its changes."""
    return [
        {"declared": str(one.date or "date not kept"), "what": list(one.what)}
        for one in locked.deviations
    ]


def rule_text(locked: Locked) -> str:
    """Say at what level a study is judged that was declared anew; empty where it was not."""
    k = locked.declarations
    if k == 1:
        return ""
    what = "What is asked after a run can follow from what it showed"
    if not locked.study.claims:
        return f"{what}, so this is another look at the same runs."
    return (
        f"{what}, so claims are judged at {100 * deviation_level(k):.2g} % in this declaration, "
        f"the {_ordinal(k)}: the first is judged at 5 %, the k-th at 5 % × 6/(π² k²), "
        "and all together err in at most 7 % of studies."
    )


def with_exploratory_claims(
    printed: PrintedTable, verdicts: Sequence[Verdict], names: Sequence[str]
) -> PrintedTable:
    """Return the table of claims with a note behind those that were not declared beforehand."""
    if not names:
        return printed
    rows = []
    for (label, (text, *others)), verdict in zip(printed.rows, verdicts, strict=True):
        notes = [text.note, "exploratory" if verdict.claim.name in names else ""]
        entries = (replace(text, note=", ".join(filter(None, notes))), *others)
        rows.append((label, entries))
    caption = (*printed.caption, "Exploratory: not declared so before the first run.")
    return replace(printed, rows=tuple(rows), caption=caption)


def as_exploratory(made: Tabulated | Drawing) -> Tabulated | Drawing:
    """Return a table or a figure whose caption says that it was added after the first run."""
    if isinstance(made, Tabulated):
        caption = (_ADDED, *made.printed.caption)
        return replace(made, printed=replace(made.printed, caption=caption))
    return replace(made, caption=f"{_ADDED} {made.caption}")


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
