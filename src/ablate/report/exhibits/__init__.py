"""The exhibits of a report: a module per kind of item, called as the item is.

Each has a function `exhibits(context)` that yields tables and drawings. It works in two steps:
first the numbers, as data that tests look at, then the drawing, which computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.report.context import Context, Tabulated
    from ablate.report.figures.canvas import Drawing


def exhibits_of(context: Context) -> list[Tabulated | Drawing]:
    """Return the tables and drawings of one item.

    Raises ReportError where the runs cannot give what the item asks for.
    """
    from ablate.report.figures.style import style

    made: Iterable[Tabulated | Drawing]
    with style(context.style):
        made = import_module(f"ablate.report.exhibits.{context.item.kind}").exhibits(context)
        return list(made)
