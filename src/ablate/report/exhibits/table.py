"""The metric in each cell: a table per setting of what is neither down nor across."""

from __future__ import annotations

from collections.abc import Iterator

from ablate.report.context import Context, Tabulated
from ablate.report.printed import print_table, print_tuned
from ablate.report.tables import make_tables, pairs_to_csv, to_csv, tuned_to_csv
from ablate.study.items import Table


def exhibits(context: Context) -> Iterator[Tabulated]:
    """Yield the tables and, of a study that tunes, what was chosen in each of their cells.

    Raises ConfigError as `ablate.report.tables.make_tables`.
    """
    study, item = context.study, context.item
    assert isinstance(item, Table)
    assert context.facts is not None
    tables = make_tables(study, context.frames.runs, item.rows, item.columns)
    for table in tables:
        printed = print_table(table, study, context.facts)
        yield Tabulated(printed, {"": to_csv(table), "-pairs": pairs_to_csv(table)})
    if study.tune:
        for table in tables:
            text = tuned_to_csv(table, study.tune.key)
            yield Tabulated(print_tuned(table, study), {"": text})
