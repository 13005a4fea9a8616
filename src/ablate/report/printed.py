"""From numbers to print: decimals from the interval, captions that say what it covers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ablate.report.circumstances import Facts
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import Cell, Table
from ablate.stats import Summary, proportion_half_width
from ablate.study.schema import Metric, Study

NOT_CONVERGED = (
    "n/c: not converged, that is, a training loss was not finite or at the end nothing had been "
    "learnt (cross-entropy not below 0.98 H and accuracy below p + 0.1 (1 − p), with H the "
    "entropy of the training labels and p the largest class share); n/c runs are counted beside "
    "the mean, not in it."
)
NOT_CONVERGED_OWN = (
    "n/c: not converged, as the training procedure says, or with a metric that is not finite; n/c "
    "runs are counted beside the mean, not in it."
)


def print_table(table: Table, study: Study, facts: Facts) -> PrintedTable:
    """Return the table as it is printed, with the caption that makes it stand alone."""
    columns = table.column_names
    rows = {
        level.name: tuple(print_entry(cell, table.metric) for cell in table.row(level.name))
        for level in table.rows.levels
    }
    footer = [
        (label, tuple(_counts(table.column(column), field) for column in columns))
        for label, field in (("parameters", "parameters"), ("multiply-adds", "multiply_adds"))
    ]
    return PrintedTable(
        name=table.name,
        title=f"{_capitalized(study.metric.label)}{_layout(table)}.",
        corner=table.rows.label,
        groups=_groups(table),
        columns=columns,
        rows=tuple(rows.items()),
        footer=tuple((label, texts) for label, texts in footer if any(t != "–" for t in texts)),
        caption=_caption(table, study, facts),
    )


def print_tuned(table: Table, study: Study, name: str) -> PrintedTable:
    """Return the table of what tuning chose in each cell."""
    assert study.tune is not None
    tried = study.tune.values
    edges = {min(tried), max(tried)}
    at_edge = sum(bool(edges & set(cell.tuned)) for cell in table.cells)
    caption = [
        f"Chosen in each cell by mean {study.tune.by} over {study.tune.replicates} tuning "
        f"{_plural('replicate', study.tune.replicates)}, which are not scored; tried: "
        f"{', '.join(f'{value:g}' for value in tried)}."
    ]
    if at_edge:
        caption.append(
            f"In {at_edge} of {len(table.cells)} cells the choice is the smallest or the largest "
            "value tried (edge): a better one may lie beyond it."
        )
    rows = {
        level.name: tuple(
            Entry(
                ", ".join(f"{value:g}" for value in cell.tuned) or "–",
                note="edge" if edges & set(cell.tuned) else "",
                cell=cell.slug or "",
            )
            for cell in table.row(level.name)
        )
        for level in table.rows.levels
    }
    columns = table.column_names if table.columns else (study.tune.key,)
    title = f"Chosen {study.tune.key}{_layout(table)}."
    return PrintedTable(
        name=name,
        title=title,
        corner=table.rows.label,
        groups=_groups(table),
        columns=columns,
        rows=tuple(rows.items()),
        footer=(),
        caption=tuple(caption),
    )


def mean_text(summary: Summary, metric: Metric) -> str:
    """Return `93.1 ± 0.4`, `93.12` for a single run, `n/c` or `–`."""
    if summary.mean is None:
        return "n/c" if summary.n else "–"
    mean = metric.scale * summary.mean
    if summary.half_width is None:
        return single(mean, metric)
    half_width = metric.scale * summary.half_width
    digits = decimals(half_width, _most_decimals(metric))
    if not half_width and summary.mean == round(summary.mean):
        digits = 0  # a count that is the same in every run
    return f"{number(mean, digits)} ± {half_width:.{digits}f}"


def decimals(half_width: float, most: int) -> int:
    """Return how many decimals a mean deserves: one digit of its half-width, two after a 1."""
    if half_width <= 0:
        return most
    exponent = math.floor(math.log10(half_width))
    leading = half_width / 10**exponent
    digits = 1 if leading >= 2 else 2
    return min(most, max(0, digits - 1 - exponent))


def number(value: float, digits: int) -> str:
    """Return a number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def with_interval(
    value: float, low: float | None, high: float | None, sign: bool = True, unit: str = ""
) -> str:
    """Return `+2.41 points (1.02 to 3.80)`, with as many decimals as the interval deserves."""
    digits = 2 if low is None or high is None else decimals((high - low) / 2, 4)
    text = f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")
    text += f" {unit}" if unit else ""
    if low is None or high is None:
        return text
    return f"{text} ({number(low, digits)} to {number(high, digits)})"


def p_text(p: float) -> str:
    """Return `< 0.001` or three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_is(p: float) -> str:
    """Return `p < 0.001` or `p = 0.031`."""
    return f"p {p_text(p)}" if p < 0.001 else f"p = {p_text(p)}"


def single(value: float, metric: Metric) -> str:
    """Return the value of one run as it is shown; a count has no decimals."""
    counted = "/" not in metric.name and value == round(value)
    return number(value, 0 if counted else _most_decimals(metric))


def compact(value: float) -> str:
    """Return a count as `980`, `250 k`, `2.7 M` or `382 M`."""
    for unit in ("", " k", " M", " G", " T"):
        if round(value) < 1000 or unit == " T":
            break
        value /= 1000
    return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"


def print_entry(cell: Cell, metric: Metric) -> Entry:
    """Return one cell as it is printed."""
    s = cell.summary
    text = mean_text(s, metric)
    partly = 0 < s.not_converged < s.n
    runs = zip(cell.outcomes.values.flat, cell.outcomes.not_converged.flat, strict=True)
    values = [
        "n/c" if lost else "missing" if math.isnan(v) else single(metric.scale * v, metric)
        for v, lost in runs
    ]
    return Entry(
        text=text,
        best=cell.best,
        mark="°" if cell.not_worse else "",
        note=f"{s.not_converged}/{s.n} n/c" if partly else "",
        hover="by replicate: " + ", ".join(values),
        cell=cell.slug or "",
    )


def _caption(table: Table, study: Study, facts: Facts) -> tuple[str, ...]:
    cells = table.cells
    n = study.replicates
    finished = sum(cell.summary.n for cell in cells)
    missing = sum(cell.summary.missing for cell in cells)
    failures = sum(cell.summary.not_converged for cell in cells)
    last = f", replicates 0 to {n - 1}" if n > 1 else ", replicate 0"
    setting = f"n = {n} {_plural('replicate', n)} a cell{last} of the study's seed"
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
    if study.metric.better == "lower":
        sentences.append("Lower is better.")
    rule = NOT_CONVERGED_OWN if facts.by_own_procedure else NOT_CONVERGED
    sentences.append(f"{rule} Here {failures} of {finished} finished runs are n/c.")
    if n > 1:
        sentences.append(_coverage(table, facts))
        if any(cell.summary.converged == 1 for cell in cells):
            sentences.append("A number without ± is a single run.")
    if missing:
        sentences.append(
            f"– means that no run has finished; {missing} of {finished + missing} runs are missing."
        )
    return tuple(sentences)


def _marks(table: Table) -> str:
    families = [sum(p.p_adjusted is not None for p in pairs) for pairs in table.pairs.values()]
    most = max(families)
    if most == 0:
        return "No two cells can be compared yet."
    count = f"{most}" if min(families) == most else f"up to {most}"
    return (
        "Bold: best of its column, never a cell with half or more n/c. °: not shown worse than "
        "the best at 5 % (paired t over replicates that converged in both, or an exact sign test "
        "on wins where n/c runs speak against it; Holm over all pairs of the column: "
        f"{count} {_plural('comparison', most)})."
    )


def _coverage(table: Table, facts: Facts) -> str:
    split, _, quantity = table.metric.name.partition("/")
    split = split if quantity else "test"
    best = [cell.summary.mean for cell in table.cells if cell.best and cell.summary.mean]
    covered = (
        "The interval covers initialization, data order, dropout and the validation split; it "
        f"does not cover the choice of the {split} examples"
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


def _counts(cells: Sequence[Cell], field: str) -> str:
    counts = [getattr(cell, field) for cell in cells if getattr(cell, field) is not None]
    if not counts:
        return "–"
    low, high = compact(min(counts)), compact(max(counts))
    return low if low == high else f"{low} to {high}"


def _groups(table: Table) -> tuple[tuple[str, int], ...]:
    return ((table.columns.label, len(table.columns.levels)),) if table.columns else ()


def _layout(table: Table) -> str:
    axes = f" by {table.rows.label}"
    if table.columns:
        axes += f" (rows) and {table.columns.label} (columns)"
    fixed = ", ".join(f"{factor} = {level}" for factor, level in table.at.items())
    return f"{axes}, {fixed}" if fixed else axes


def _most_decimals(metric: Metric) -> int:
    return 2 if metric.is_percent else 4


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
