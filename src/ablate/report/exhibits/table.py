"""The metric in each cell, with the caption that makes a table stand alone."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ablate.config.task import FACTS
from ablate.report.chosen import chosen_edges, chosen_text
from ablate.report.circumstances import Facts
from ablate.report.context import Context, Tabulated
from ablate.report.figures.quantity import sentence_case
from ablate.report.number_text import compact, decimals, mean_text, number, single
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import (
    ResultCell,
    ResultTable,
    make_tables,
    pairs_to_csv,
    span_of_replicates,
    to_csv,
    tuned_to_csv,
)
from ablate.stats import proportion_half_width, summarize
from ablate.study.items import Table
from ablate.study.names import level_name
from ablate.study.schema import Metric, Study, Tune

_NOT_CONVERGED_USER = (
    "n/c: not converged, as the training procedure says, or with a metric that is not finite; n/c "
    "runs are counted beside the mean, not in it."
)


def not_converged(study: Study, facts: Facts) -> str:
    """Return what n/c means in a study, and where such runs are."""
    if facts.by_user_procedure:
        return _NOT_CONVERGED_USER
    facts_of_task = FACTS.get(study.task)
    rule = facts_of_task.nothing_learnt if facts_of_task else "as the task says"
    return (
        "n/c: not converged, that is, a training loss was not finite or at the end nothing had "
        f"been learnt ({rule}); n/c runs are counted beside the mean, not in it."
    )


def exhibits(context: Context) -> Iterator[Tabulated]:
    """Yield the tables and, of a study that tunes, what was chosen in each of their cells.

    Raises ReportError as `ablate.report.tables.make_tables`.
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
            text = tuned_to_csv(table, study.tune)
            yield Tabulated(print_tuned(table, study), {"": text})


def print_table(table: ResultTable, study: Study, facts: Facts) -> PrintedTable:
    """Return the table as it is printed, with the caption that makes it stand alone.

    What a prediction costs stands below each column; where there is but one and rows differ in it,
    beside each row.
    """
    columns = [table.column(name) for name in table.column_names]
    footer = {
        field.replace("_", "-"): tuple(_counts(column, field) for column in columns)
        for field in ("parameters", "multiply_adds")
    }
    known = {label: texts for label, texts in footer.items() if set(texts) != {"–"}}
    beside = [label for label, texts in known.items() if not table.columns and " to " in texts[0]]
    printed = _printed(
        table,
        sentence_case(study.metric.label),
        lambda cell: print_entry(cell, table.metric),
        _caption(table, study, facts),
        footer=tuple((label, texts) for label, texts in known.items() if label not in beside),
    )
    return _with_costs(printed, table, beside)


def _with_costs(printed: PrintedTable, table: ResultTable, labels: Sequence[str]) -> PrintedTable:
    """Return a table of one column with a further one for each cost."""
    rows = [
        (name, (*entries, *(Entry(_counts(table.row(name), _field(label))) for label in labels)))
        for name, entries in printed.rows
    ]
    unknown = ("",) * len(labels)
    footer = tuple((label, (*texts, *unknown)) for label, texts in printed.footer)
    return replace(printed, columns=(*printed.columns, *labels), rows=tuple(rows), footer=footer)


def _field(label: str) -> str:
    return label.replace("-", "_")


def print_tuned(table: ResultTable, study: Study) -> PrintedTable:
    """Return the table of what tuning chose in each cell."""
    tune, n = study.tune, study.tuning_replicates
    assert tune is not None
    at_edge = {cell.slug for cell in table.cells if chosen_edges(tune, [*cell.tuned.values()])}
    each = (
        f"Chosen for each replicate by {tune.by}, in a tuning run of its own for every value"
        if tune.nested
        else f"Chosen in each cell by mean {tune.by} over {n} tuning {_plural('replicate', n)}"
    )
    caption = [f"{each}, which are not scored; tried: {', '.join(map(level_name, tune.values))}."]
    if tune.only:
        caption.append("–: nothing is tuned.")
    if at_edge:
        often = " in half of the replicates or more" if tune.nested else ""
        tuned = sum(bool(cell.tuned) for cell in table.cells)
        caption.append(
            f"In {len(at_edge)} of {tuned} cells the choice is the smallest or the largest value "
            f"tried{often} (edge): a better one may lie beyond it."
        )

    def entry(cell: ResultCell) -> Entry:
        text = chosen_text(list(cell.tuned.values())) or "–"
        note = "edge" if cell.slug in at_edge else ""
        hover = ", ".join(map(level_name, cell.tuned.values())) if tune.nested else ""
        hover = f"by replicate: {hover}" if hover else ""
        return Entry(text, note=note, hover=hover, cell=cell.slug or "")

    printed = _printed(table, f"Chosen {tune.key}", entry, tuple(caption))
    return printed if table.columns else replace(printed, columns=(tune.key,))


def _printed(
    table: ResultTable,
    what: str,
    entry: Callable[[ResultCell], Entry],
    caption: tuple[str, ...],
    footer: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> PrintedTable:
    """Return a table of what `entry` prints of each cell."""
    down, across = table.rows, table.columns
    axes = f"{down.label} (rows) and {across.label} (columns)" if across else down.label
    at = "".join(f", {factor} = {level}" for factor, level in table.at.items())
    return PrintedTable(
        title=f"{what} by {axes}{at}.",
        corner=down.label,
        groups=((across.label, len(across.levels)),) if across else (),
        columns=table.column_names,
        rows=tuple((level.name, tuple(map(entry, table.row(level.name)))) for level in down.levels),
        footer=footer,
        caption=caption,
    )


def print_entry(cell: ResultCell, metric: Metric) -> Entry:
    """Return one cell as it is printed."""
    s = cell.summary
    runs = zip(cell.outcomes.values.flat, cell.outcomes.not_converged.flat, strict=True)
    values = [
        "n/c" if lost else "missing" if math.isnan(v) else single(metric.scale * v, metric)
        for v, lost in runs
    ]
    return Entry(
        text=mean_text(s, metric),
        best=cell.best,
        mark="°" if cell.not_worse else "",
        beside=_beside(cell, metric),
        note=f"{s.not_converged}/{s.n} n/c" if 0 < s.not_converged < s.n else "",
        hover="by replicate: " + ", ".join(values),
        cell=cell.slug or "",
    )


def _beside(cell: ResultCell, metric: Metric) -> str:
    """Return the mean on the training set, to a tenth of a point or a thousandth of a nat."""
    mean = summarize(cell.training).mean if cell.training is not None else None
    return "" if mean is None else number(metric.scale * mean, 1 if metric.is_percent else 3)


def _caption(table: ResultTable, study: Study, facts: Facts) -> tuple[str, ...]:
    cells = [cell for cell in table.cells if cell.slug or not study.leaves_out(cell.levels)]
    fewest, n = span_of_replicates(table)
    finished = sum(cell.summary.n for cell in cells)
    missing = sum(cell.summary.missing for cell in cells)
    failures = sum(cell.summary.not_converged for cell in cells)
    last = f", replicates 0 to {n - 1}" if n > 1 else ", replicate 0"
    counts = f"{n}" if fewest == n else f"{fewest} to {n}"
    setting = f"n = {counts} {_plural('replicate', n)} a cell{last} of the study's seed"
    basis = "; ".join((setting, *facts.data, facts.training))
    if n > 1:
        first = "Mean ± half-width of the 95 % t interval over the replicates that converged"
        sentences = [f"{first}; {basis}.", _marks(table)]
    else:
        sentences = [
            f"Value of the single run; {basis}.",
            "With one run per cell there is no interval and no test: bold is the best of its "
            "column as it happened, and nothing is marked as not worse than it.",
        ]
    if study.looks:
        sentences.append(
            "Cells that no open claim needed were not trained further; what is marked here, and "
            "intervals, do not allow for the looks."
        )
    sentences += about_training(table)
    if study.metric.better == "lower":
        sentences.append("Lower is better.")
    rule = not_converged(study, facts)
    sentences.append(f"{rule} Here {failures} of {finished} finished runs are n/c.")
    if n > 1:
        sentences.append(_coverage(table, facts, study.tune))
        if any(cell.summary.converged == 1 for cell in cells):
            sentences.append("A number without ± is a single run.")
    left_out = len(cells) < len(table.cells)
    if left_out:
        sentences.append("–: a setting that the study leaves out.")
    if missing:
        place = " elsewhere" if left_out else ""
        said = f"{missing} of {finished + missing} runs are missing"
        sentences.append(f"–{place} means that no run has finished; {said}.")
    return tuple(sentences)


def about_training(table: ResultTable) -> list[str]:
    """Say what stands in angle brackets, where anything does."""
    name = table.metric.title.replace("test", "training", 1)
    said = f"⟨ ⟩: mean {name} of the same runs, on at most 10,000 training examples as they are."
    return [said] if table.has_training else []


def _marks(table: ResultTable) -> str:
    families = [sum(p.p_adjusted is not None for p in pairs) for pairs in table.pairs.values()]
    most = max(families)
    if most == 0:
        return "No two cells can be compared yet."
    count = f"{most}" if min(families) == most else f"up to {most}"
    return (
        "Bold: best of its column, never a cell with half or more n/c. °: not shown worse than "
        "the best at 5 % (paired t over replicates that converged in both, weighed with who "
        "lost fewer runs where runs are n/c; Holm over all pairs of the column: "
        f"{count} {_plural('comparison', most)})."
    )


def _coverage(table: ResultTable, facts: Facts, tune: Tune | None) -> str:
    if not facts.data:  # as of a path over a surface: nothing is split, and there is no test
        without = f", not the choice of {tune.key}" if tune and not tune.nested else ""
        return f"The interval covers what differs between replicates{without}."
    split, _, quantity = table.metric.name.partition("/")
    split = split if quantity else "test"
    best = [cell.summary.mean for cell in table.cells if cell.best and cell.summary.mean]
    covers, lacks = "initialization, data order, dropout", ""
    if tune is not None and tune.nested:
        covers += f", the choice of {tune.key}"
    elif tune is not None:
        lacks = f"the choice of {tune.key} and "
    covered = (
        f"The interval covers {covers} and the validation split; it does not cover {lacks}the "
        f"choice of the {split} examples"
    )
    examples = facts.examples.get(split)
    if not (table.metric.is_percent and best and examples):
        return f"{covered}."
    share = max(best)
    points = 100 * proportion_half_width(share, examples)
    digits = min(2, decimals(points, 2) + 1)
    return (
        f"{covered}, which leaves ± {points:.{digits}f} points open at {100 * share:.1f} % "
        f"(N = {examples:,})."
    )


def _counts(cells: Sequence[ResultCell], field: str) -> str:
    counts = [getattr(cell, field) for cell in cells if getattr(cell, field) is not None]
    if not counts:
        return "–"
    low, high = compact(min(counts)), compact(max(counts))
    return low if low == high else f"{low} to {high}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
