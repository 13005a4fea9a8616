"""A table of what two costly things buy, alone and together, compared with having neither.

The form is that of GoogLeNet's table of models and crops (Szegedy et al. 2015, table 3).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ablate.report.context import Context, Tabulated
from ablate.report.figures.quantity import sentence_case
from ablate.report.number_text import decimals, number
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import (
    ResultCell,
    ResultTable,
    csv_text,
    make_tables,
    span_of_replicates,
    values_of,
)
from ablate.stats import in_common, t_half_width
from ablate.study.items import ComparedToBase
from ablate.study.schema import Factor, Study

#: A mean and the half-width of its 95 % t interval; None without a value, under two values.
Estimate = tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class AgainstBase:
    """One cell of the study against the base.

    cost         forward multiply-adds for one example, relative to the base; NaN where unknown
    value        of what is shown: the error in percent, or the metric
    difference   of the pairs' differences to the base, both converged
    """

    cell: ResultCell
    cost: float
    value: Estimate
    difference: Estimate


def exhibits(context: Context) -> Iterator[Tabulated]:
    """Yield the table."""
    item, study = context.item, context.study
    assert isinstance(item, ComparedToBase)
    (table,) = make_tables(study, context.frames.runs, item.rows, item.columns)
    rows = compare_to_base(table)
    yield Tabulated(print_compared(table, rows, study), {"": compared_to_csv(table, rows)})


def compare_to_base(table: ResultTable) -> list[AgainstBase]:
    """Return a row per cell of the two factors, the base (first level of each) first."""
    base = table.cells[0]
    rows = []
    for cell in table.cells:
        own, others = in_common(cell.outcomes, base.outcomes)
        both = own.converged & others.converged
        gained = _shown(own.values[both], table) - _shown(others.values[both], table)
        cost = (cell.multiply_adds or math.nan) / (base.multiply_adds or math.nan)
        difference = (None, None) if cell is base else _estimate(gained)
        shown = _estimate(_shown(cell.outcomes.values[cell.outcomes.converged], table))
        rows.append(AgainstBase(cell, cost, shown, difference))
    return rows


def print_compared(table: ResultTable, rows: Sequence[AgainstBase], study: Study) -> PrintedTable:
    """Return the table as it is printed."""
    assert table.columns is not None
    by = f"{table.rows.label} × {table.columns.label}"
    what = "error (%)" if study.metric.is_percent else study.metric.label
    unit = "points" if study.metric.is_percent else "the metric's units"
    printed = []
    for row in rows:
        cell, lost = row.cell, row.cell.summary.not_converged
        value = Entry(
            _number(*row.value),
            note=f"{lost}/{cell.summary.n} n/c" if lost else "",
            hover=", ".join(values_of(cell.outcomes)),
            cell=cell.slug or "",
        )
        cost = Entry("–" if math.isnan(row.cost) else f"{row.cost:.3g} ×", cell=cell.slug or "")
        difference = Entry("base" if row is rows[0] else _number(*row.difference))
        printed.append((f"{cell.row} × {cell.column}", (cost, value, difference)))
    caption = [
        f"Mean ± half-width of the 95 % t interval over {_span(table)} replicates; compared "
        f"to base: mean difference of pairs that both converged, in {unit}, negative is better.",
    ]
    together = sum_of_gains(rows, table.rows, table.columns)
    if together:
        caption.append(together)
    return PrintedTable(
        title=f"{sentence_case(what)} on the test set, by {by}.",
        corner=by,
        columns=("cost at test", what, "compared to base"),
        rows=tuple(printed),
        caption=tuple(caption),
    )


def sum_of_gains(rows: Sequence[AgainstBase], first: Factor, second: Factor) -> str:
    """Say how the gain of both together compares with the sum of what each gains alone."""
    gains = {(row.cell.row, row.cell.column): row.difference[0] for row in rows}
    a, b = first.levels, second.levels
    one, other = gains[a[-1].name, b[0].name], gains[a[0].name, b[-1].name]
    both = gains[a[-1].name, b[-1].name]
    if one is None or other is None or both is None:
        return ""
    total = one + other
    share = f", {100 * both / total:.0f} % of it" if total < 0 and both < 0 else ""
    return (
        f"Alone, {a[-1].name} {first.label} change it by {number(one, 2)} and {b[-1].name} "
        f"{second.label} by {number(other, 2)}, in sum {number(total, 2)}; together they change "
        f"it by {number(both, 2)}{share}."
    )


def compared_to_csv(table: ResultTable, rows: Sequence[AgainstBase]) -> str:
    """Return one line per cell, floats unrounded."""
    assert table.columns is not None
    header = [
        table.rows.name, table.columns.name, "cell", "relative_cost", "value", "half_width",
        "difference", "difference_half_width", "not_converged", "values",
    ]  # fmt: skip
    lines = [
        [
            cell.row, cell.column, cell.slug, row.cost,
            *row.value, *row.difference, cell.summary.not_converged,
            " ".join(values_of(cell.outcomes)),
        ]
        for row in rows
        for cell in [row.cell]
    ]  # fmt: skip
    return csv_text(header, lines)


def _span(table: ResultTable) -> str:
    return " to ".join(dict.fromkeys(map(str, span_of_replicates(table))))


def _shown(values: np.ndarray, table: ResultTable) -> np.ndarray:
    return 100 * (1 - values) if table.metric.is_percent else values


def _estimate(values: np.ndarray) -> Estimate:
    return float(values.mean()) if len(values) else None, t_half_width(values)


def _number(value: float | None, half_width: float | None) -> str:
    if value is None:
        return "n/c"
    if half_width is None:
        return number(value, 2)
    digits = decimals(half_width, 2)
    return f"{number(value, digits)} ± {half_width:.{digits}f}"
