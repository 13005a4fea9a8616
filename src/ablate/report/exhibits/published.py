"""A published table of initializations beside ours: which of its orderings hold here."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from itertools import chain, combinations, product

import pandas as pd

from ablate.metrics import Better
from ablate.report.context import Context, Tabulated
from ablate.report.exhibits.table import about_training, print_entry
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import ResultCell, ResultTable, csv_text, make_tables
from ablate.stats import ALPHA, compare, holm
from ablate.study.items import Published
from ablate.study.published import PublishedTable, Value, published_table
from ablate.study.schema import Study

#: How a cell that did not converge is printed.
NC = "n/c"


@dataclass(frozen=True)
class Ordering:
    """Two rows of one column that the published table orders, and what our runs say.

    better, worse   our levels' names; `better` is the one that is better in print
    test, p_holm    of our runs; None under two pairs
    outcome         `holds` or `reversed` at 5 % after Holm over the column, else `undecided`
    """

    column: str
    better: str
    worse: str
    test: str
    p_holm: float | None
    outcome: str


@dataclass(frozen=True, eq=False)
class BesideOurs:
    """A published table beside one of ours.

    rows, columns  the published name of each of our levels that stands in it
    orderings   over all columns; pairs that are both n/c in print order nothing
    failures    per column: published n/c cells, and how many have half or more n/c here
    """

    published: PublishedTable
    table: ResultTable
    rows: Mapping[str, str]
    columns: Mapping[str, str]
    orderings: tuple[Ordering, ...]
    failures: Mapping[str, tuple[int, int]]

    def count(self, column: str, outcome: str) -> int:
        """Return how many orderings of a column hold, are reversed or are undecided."""
        return sum(o.column == column and o.outcome == outcome for o in self.orderings)

    def at(self, row: str, column: str) -> tuple[Value, ResultCell]:
        """Return what is printed where two of our levels meet, and what we have there."""
        (ours,) = (cell for cell in self.table.column(column) if cell.row == row)
        return self.published.value(self.rows[row], self.columns[column]), ours


def exhibits(context: Context) -> Iterator[Tabulated]:
    """Yield each table beside the published one."""
    assert isinstance(context.item, Published)
    study = context.study
    for found in beside_published(context.item, study, context.frames.runs):
        csv = {"": comparison_to_csv(found), "-orderings": orderings_to_csv(found)}
        yield Tabulated(print_comparison(found, study), csv)


def beside_published(item: Published, study: Study, runs: pd.DataFrame) -> list[BesideOurs]:
    """Compare our runs with the published table, a table per level of the other factors.

    That enough levels stand in it was seen to when the study was planned (`Published.lacks`).
    """
    published = published_table(item.table)
    assert published is not None
    (down, rows), (across, columns) = published.axes(study, item.rows, item.columns, item.names)
    return [
        _compare(published, table, rows, columns, study.metric.better)
        for table in make_tables(study, runs, down.name, across.name)
    ]


def print_comparison(comparison: BesideOurs, study: Study) -> PrintedTable:
    """Return both tables side by side: two columns per activation, counts in the footer."""
    table, columns = comparison.table, comparison.columns
    rows = []
    for level, published_row in comparison.rows.items():
        entries = []
        for column in columns:
            value, cell = comparison.at(level, column)
            text = value if isinstance(value, str) else "–" if value is None else f"{value:.2f}"
            # Bold and ° belong to the study's own table, where all of its rows compete.
            ours = replace(print_entry(cell, study.metric), best=False, mark="")
            entries += [Entry(text), ours]
        rows.append((f"{published_row} ({level})", tuple(entries)))
    footer = []
    for outcome in ("holds", "reversed", "undecided"):
        counts = [("", str(comparison.count(column, outcome))) for column in columns]
        what = "that hold" if outcome == "holds" else outcome
        footer.append((f"orderings {what}", tuple(chain(*counts))))
    headings = [(f"{name}, published", f"{column}, here") for column, name in columns.items()]
    fixed = "".join(f", {factor} = {level}" for factor, level in table.at.items())
    return PrintedTable(
        title=f"The published table ({comparison.published.paper}) beside ours{fixed}.",
        corner=table.rows.label,
        groups=tuple((name, 2) for name in columns.values()),
        columns=tuple(chain(*headings)),
        rows=tuple(rows),
        footer=tuple(footer),
        caption=_caption(comparison),
        heads=("published", "here") * len(columns),
    )


def comparison_to_csv(comparison: BesideOurs) -> str:
    """Return one line per cell: the published percentage beside our mean in percent."""
    header = [
        "row", "column", "level_row", "level_column", *comparison.table.at, "published_percent",
        "mean_percent", "half_width_percent", "n", "not_converged", "cell",
    ]  # fmt: skip
    lines = []
    for (level, row), (column_level, column) in product(
        comparison.rows.items(), comparison.columns.items()
    ):
        published, cell = comparison.at(level, column_level)
        s = cell.summary
        mean, half_width = (None if x is None else 100 * x for x in (s.mean, s.half_width))
        lines.append([
            row, column, level, column_level, *comparison.table.at.values(), published,
            mean, half_width, s.n, s.not_converged, cell.slug,
        ])  # fmt: skip
    return csv_text(header, lines)


def orderings_to_csv(comparison: BesideOurs) -> str:
    """Return one line per published ordering with what our runs say of it."""
    header = ["column", "published_better", "published_worse", "test", "p_holm", "outcome"]
    return csv_text(header, [astuple(ordering) for ordering in comparison.orderings])


def _compare(
    published: PublishedTable,
    table: ResultTable,
    rows: Mapping[str, str],
    columns: Mapping[str, str],
    better: Better,
) -> BesideOurs:
    orderings: list[Ordering] = []
    failures = {}
    for column, published_column in columns.items():
        cells = {cell.row: cell for cell in table.column(column)}
        values = {level: published.value(row, published_column) for level, row in rows.items()}
        printed = {level: value for level, value in values.items() if value is not None}
        orderings += _orderings(column, printed, cells, better)
        failed = [cells[level].summary for level, value in printed.items() if value == NC]
        failures[column] = len(failed), sum(s.n > 0 and not s.is_eligible for s in failed)
    return BesideOurs(published, table, rows, columns, tuple(orderings), failures)


def _orderings(
    column: str,
    printed: Mapping[str, float | str],
    cells: Mapping[str, ResultCell],
    better: Better,
) -> list[Ordering]:
    ranks = {level: -1.0 if value == NC else float(value) for level, value in printed.items()}
    pairs = [
        (a, b) if ranks[a] > ranks[b] else (b, a)
        for a, b in combinations(ranks, 2)
        if ranks[a] != ranks[b]
    ]
    found = [compare(cells[a].outcomes, cells[b].outcomes, better) for a, b in pairs]
    adjusted = iter(holm([c.p for c in found if c.p is not None]))
    orderings = []
    for (a, b), c in zip(pairs, found, strict=True):
        p = None if c.p is None else next(adjusted)
        decided = p is not None and p <= ALPHA
        outcome = "undecided" if not decided else "holds" if c.favours == "a" else "reversed"
        orderings.append(Ordering(column, a, b, c.evidence.test, p, outcome))
    return orderings


def _caption(comparison: BesideOurs) -> tuple[str, ...]:
    counts = Counter(ordering.outcome for ordering in comparison.orderings)
    sentences = [
        f"Published: {comparison.published.numbers}. "
        "Where data or network differ here, compare the order and not the level.",
        f"Published orderings of two rows: {counts.total()}; in our runs {counts['holds']} of them "
        f"hold, {counts['reversed']} turned out reversed and {counts['undecided']} stay undecided "
        "(paired t over replicates that converged in both, weighed with who lost fewer runs where "
        "runs are n/c; Holm over each column; 5 %). A published n/c counts as worse than "
        "any number, and two of them order nothing.",
    ]
    for column, (published, here) in comparison.failures.items():
        if published:
            sentences.append(
                f"{column}: {published} published as n/c, {here} of these with half or more n/c "
                "here."
            )
    sentences += about_training(comparison.table)
    shown = (*comparison.columns.values(), *comparison.rows.values())
    sentences += [note for name, note in comparison.published.notes.items() if name in shown]
    return tuple(sentences)
