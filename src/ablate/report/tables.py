"""The tables of a report, as numbers: every cell with its runs, every column with its pairs.

How they are printed is in `exhibits/table.py`; the CSV files here hold every number unrounded.
"""

import csv
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablate import stats
from ablate.errors import ReportError, nearest, one_of
from ablate.report.columns import tuned_column
from ablate.report.frame import metric_columns
from ablate.report.run_arrays import Columns, asked_of, rows_by_setting
from ablate.study.schema import Factor, Metric, Study, Tune

#: The runs of the cell that has these levels.
RowsAt = Callable[[Mapping[str, str]], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class ResultCell:
    """One cell of a table.

    levels      the level's name by factor
    slug        the cell's folder in the ledger; None where no run is known
    best        the best mean of its column
    not_worse   not shown worse than the best of its column
    p_best      Holm-adjusted p of the comparison with the best
    parameters, multiply_adds   of one network; None where no run says so
    tuned       of a study that tunes: the value that was chosen, by replicate of the runs there are
    training    of the same runs on the training set, where the metric is of the test set and the
                runs report both; None otherwise
    """

    row: str
    column: str
    levels: Mapping[str, str]
    slug: str | None
    outcomes: stats.Arm
    summary: stats.Summary
    best: bool
    not_worse: bool
    p_best: float | None
    parameters: int | None
    multiply_adds: int | None
    tuned: Mapping[int, float]
    training: stats.Arm | None = None


@dataclass(frozen=True, eq=False)
class ResultTable:
    """Rows and columns are the levels of two factors; `at` fixes the others.

    columns  None for a study of one factor: the table has one column
    column_names   its level names, or the metric's where there is one column
    cells    row by row
    pairs    all pairs of a column, a and b numbered as its rows
    """

    metric: Metric
    rows: Factor
    columns: Factor | None
    column_names: tuple[str, ...]
    at: Mapping[str, str]
    cells: tuple[ResultCell, ...]
    pairs: Mapping[str, tuple[stats.Pair, ...]]

    @property
    def has_training(self) -> bool:
        """Whether any cell has its training metric beside it."""
        return any(cell.training is not None for cell in self.cells)

    def row(self, name: str) -> tuple[ResultCell, ...]:
        """Return the cells of one row, in the order of the columns."""
        return tuple(cell for cell in self.cells if cell.row == name)

    def column(self, name: str) -> tuple[ResultCell, ...]:
        """Return the cells of one column, in the order of the rows."""
        return tuple(cell for cell in self.cells if cell.column == name)


def make_tables(
    study: Study, runs: pd.DataFrame, rows: str | None = None, columns: str | None = None
) -> list[ResultTable]:
    """Return the tables of two factors, one per setting of the others.

    rows, columns  the factors by name; by default the first that are left

    Raises ReportError when no run has the metric.
    """
    free = [factor for factor in study.factors if factor.name not in (rows, columns)]
    down = study.factor(rows) if rows else free.pop(0)
    across = study.factor(columns) if columns else free.pop(0) if free else None
    check_reported(study, runs)
    settings = itertools.product(*([level.name for level in f.levels] for f in free))
    names = [factor.name for factor in free]
    by_setting = rows_by_setting(study, runs)
    # What is read of them, as plain objects: of all columns cell after cell takes minutes.
    read = {"cell", "replicate", "status", "parameters", "multiply_adds", study.metric.name}
    read |= {f"train/{study.metric.name.partition('/')[2]}"}
    read |= {tuned_column(study.tune.key)} if study.tune else set()
    runs = runs[[name for name in runs if name in read]]
    runs = runs.astype({name: object for name in ("cell", "status") if name in runs})

    def rows_at(levels: Mapping[str, str]) -> pd.DataFrame:
        places = by_setting.get(tuple(levels[factor.name] for factor in study.factors), ())
        return runs.iloc[list(places)]

    return [
        _table(study, rows_at, down, across, dict(zip(names, at, strict=True))) for at in settings
    ]


def check_reported(study: Study, runs: pd.DataFrame) -> None:
    """Raise ReportError when no run has the study's metric."""
    if study.metric.name not in runs and (runs["status"] == "done").any():
        there = sorted(metric_columns(runs))
        raise ReportError(
            f"no run reports the metric '{study.metric.name}'; they report {one_of(there)}."
            f"{nearest(study.metric.name, there)}"
        )


def outcomes_of(runs: pd.DataFrame, metric: str, study: Study) -> stats.Arm:
    """Return the runs of one cell from its rows of the frame, failed runs as missing."""
    # Arrays: a frame of its own for each of thousands of cells takes ten times as long.
    status = runs["status"].to_numpy(object)
    value = runs[metric].to_numpy(float) if metric in runs else np.full(len(runs), np.nan)
    columns = Columns(
        cell=runs["cell"].to_numpy(object),
        replicate=runs["replicate"].to_numpy(np.int64),
        value=np.where(status == "done", value, np.nan),
        not_converged=status == "diverged",
    )
    return columns.arm([np.arange(len(runs))], asked_of(study, runs))


def training_of(runs: pd.DataFrame, metric: str, study: Study) -> stats.Arm | None:
    """Return `train/accuracy` of the runs of one cell for `test/accuracy`; None without any."""
    split, _, score = metric.partition("/")
    name = f"train/{score}"
    if split != "test" or name not in runs or runs.loc[runs["status"] == "done", name].isna().all():
        return None
    return outcomes_of(runs, name, study)


def span_of_replicates(table: ResultTable) -> tuple[int, int]:
    """Return the fewest and the most replicates that were asked of a cell."""
    counts = [cell.outcomes.values.shape[1] for cell in table.cells]
    return min(counts), max(counts)


def to_csv(table: ResultTable) -> str:
    """Return one line per cell, metrics as stored (fractions, nats), floats unrounded."""
    first = table.cells[0]
    header = [
        *first.levels, "cell", "metric", *vars(first.summary), "best", "not_shown_worse",
        "p_against_best_holm", "parameters", "multiply_adds", "values",
    ]  # fmt: skip
    if table.has_training:
        header += ["train_mean", "train_sd", "train_half_width", "train_values"]
    lines = [
        [
            *cell.levels.values(), cell.slug, table.metric.name, *vars(cell.summary).values(),
            cell.best, cell.not_worse, cell.p_best, cell.parameters, cell.multiply_adds,
            " ".join(values_of(cell.outcomes)), *(_training(cell) if table.has_training else ()),
        ]
        for cell in table.cells
    ]  # fmt: skip
    return csv_text(header, lines)


def _training(cell: ResultCell) -> tuple[Any, ...]:
    """Return what a line of the CSV says of a cell's training metric; nothing where it has none."""
    if cell.training is None:
        return None, None, None, None
    found = stats.summarize(cell.training)
    return found.mean, found.sd, found.half_width, " ".join(values_of(cell.training))


def pairs_to_csv(table: ResultTable) -> str:
    """Return one line per compared pair, each column of the table one family."""
    header = [
        *table.at, "column", "a", "b", "test", "pairs", "wins", "losses", "both_converged",
        "mean_difference", "low", "high", "p", "p_holm",
    ]  # fmt: skip
    levels = [level.name for level in table.rows.levels]
    lines = [
        [
            *table.at.values(), column, levels[pair.a], levels[pair.b], e.test, test.pairs,
            test.wins, test.losses, e.n_effect, e.effect, *e.limits(stats.ALPHA), test.p,
            pair.p_adjusted,
        ]
        for column, pairs in table.pairs.items()
        for pair in pairs
        for test, e in [(pair.test, pair.test.evidence)]
    ]  # fmt: skip
    return csv_text(header, lines)


def tuned_to_csv(table: ResultTable, tune: Tune) -> str:
    """Return one line per cell with the value that tuning chose; of nested tuning per replicate."""
    own = ["replicate"] if tune.nested else []
    lines = [
        [*cell.levels.values(), cell.slug, *place, value]
        for cell in table.cells
        for place, value in dict.fromkeys(
            ((r,) if tune.nested else (), value) for r, value in cell.tuned.items()
        )
    ]
    return csv_text([*table.cells[0].levels, "cell", *own, tune.key], lines)


def csv_text(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Return a CSV file's text: None is empty, true and false are words, floats are exact."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in line])
    return stream.getvalue()


def values_of(outcomes: stats.Arm) -> list[str]:
    """Return the values by replicate, exact; `n/c` and `missing` in words."""
    return [
        "n/c" if failed else "missing" if np.isnan(value) else repr(float(value))
        for value, failed in zip(outcomes.values.flat, outcomes.not_converged.flat, strict=True)
    ]


def _table(
    study: Study, rows_at: RowsAt, rows: Factor, columns: Factor | None, at: Mapping[str, str]
) -> ResultTable:
    names = tuple(level.name for level in columns.levels) if columns else (study.metric.label,)
    fixed = [{**at, columns.name: name} if columns else at for name in names]
    found = [_column(study, rows_at, rows, *place) for place in zip(names, fixed, strict=True)]
    cells = [cell for row in zip(*(cells for cells, _ in found), strict=True) for cell in row]
    pairs = {name: pairs for name, (_, pairs) in zip(names, found, strict=True)}
    return ResultTable(study.metric, rows, columns, names, at, tuple(cells), pairs)


def _column(
    study: Study, rows_at: RowsAt, rows: Factor, column: str, at: Mapping[str, str]
) -> tuple[list[ResultCell], tuple[stats.Pair, ...]]:
    """Return the cells of a column, and all pairs of them; `at` fixes all factors but `rows`."""
    metric = study.metric
    # In the study's order, so that every file names factors the same way.
    settings = [
        {f.name: row.name if f == rows else at[f.name] for f in study.factors}
        for row in rows.levels
    ]
    parts = [rows_at(levels) for levels in settings]
    outcomes = [outcomes_of(part, metric.name, study) for part in parts]
    summaries = [stats.summarize(arm) for arm in outcomes]
    pairs = stats.compare_all(outcomes, metric.better)
    best = stats.best_cell(summaries, metric.better)
    tied = stats.not_shown_worse(best, pairs, summaries) if best is not None else frozenset()
    # The other of each pair that the best is in.
    of_best = [pair for pair in pairs if best in (pair.a, pair.b)]
    against_best = {pair.b if pair.a == best else pair.a: pair.p_adjusted for pair in of_best}
    cells = [
        ResultCell(
            row=row.name,
            column=column,
            levels=settings[i],
            slug=str(part["cell"].iloc[0]) if len(part) else None,
            outcomes=outcomes[i],
            summary=summaries[i],
            best=i == best,
            not_worse=i in tied,
            p_best=against_best.get(i),
            parameters=_count(part, "parameters"),
            multiply_adds=_count(part, "multiply_adds"),
            tuned=_tuned(part, study),
            training=training_of(part, metric.name, study),
        )
        for i, (row, part) in enumerate(zip(rows.levels, parts, strict=True))
    ]
    return cells, pairs


def _count(part: pd.DataFrame, column: str) -> int | None:
    known = part[column].dropna()
    return int(known.iloc[0]) if len(known) else None


def _tuned(part: pd.DataFrame, study: Study) -> dict[int, float]:
    if study.tune is None:
        return {}
    column = tuned_column(study.tune.key)
    known = part.dropna(subset=column).sort_values("replicate")
    return dict(zip(known["replicate"].tolist(), known[column].tolist(), strict=True))
