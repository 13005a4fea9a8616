"""A table of what two costly things buy, alone and together, compared with having neither.

The form is that of GoogLeNet's table of models and crops (Szegedy et al. 2015, table 3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.report.context import Context, Tabulated
from ablate.report.number_text import decimals, number
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import csv_text, outcomes_of, values_of
from ablate.stats import Arm, t_half_width
from ablate.study.items import ComparedToBase
from ablate.study.schema import Factor, Study


@dataclass(frozen=True, eq=False)
class AgainstBase:
    """One cell of the study against the base.

    cost         forward multiply-adds for one example, relative to the base
    value        mean of what is shown: the error in percent, or the metric
    difference   mean of the pairs' differences to the base, both converged; None for the base
    """

    levels: tuple[str, str]
    slug: str
    outcomes: Arm
    cost: float
    value: float | None
    half_width: float | None
    difference: float | None
    difference_half_width: float | None


def exhibits(context: Context) -> Iterator[Tabulated]:
    """Yield the table."""
    item, study = context.item, context.study
    assert isinstance(item, ComparedToBase)
    rows = compare_to_base(item, study, context.frames.runs)
    csv = {"": compared_to_csv(rows, item, study)}
    yield Tabulated(print_compared(rows, item, study), csv)


def compare_to_base(item: ComparedToBase, study: Study, runs: pd.DataFrame) -> list[AgainstBase]:
    """Return a row per cell of the two factors, the base (first level of each) first."""
    first, second = _factors(item, study)
    base: Arm | None = None
    base_cost = 1.0
    rows = []
    for a, b in itertools.product(first.levels, second.levels):
        at = (runs[f"factor:{first.name}"] == a.name) & (runs[f"factor:{second.name}"] == b.name)
        cell = runs[at.to_numpy()]
        outcomes = outcomes_of(cell, study.metric.name, study.replicates)
        cost = next(iter(cell["multiply_adds"].dropna()), np.nan)
        if base is None:
            base, base_cost = outcomes, cost
        shown = _shown(outcomes.values[outcomes.converged], study)
        both = outcomes.converged & base.converged
        gained = _shown(outcomes.values[both], study) - _shown(base.values[both], study)
        is_base = base is outcomes
        rows.append(
            AgainstBase(
                levels=(a.name, b.name),
                slug=str(cell["cell"].iloc[0]) if len(cell) else "",
                outcomes=outcomes,
                cost=cost / base_cost,
                value=float(shown.mean()) if len(shown) else None,
                half_width=t_half_width(shown),
                difference=None if is_base or not len(gained) else float(gained.mean()),
                difference_half_width=None if is_base else t_half_width(gained),
            )
        )
    return rows


def print_compared(rows: Sequence[AgainstBase], item: ComparedToBase, study: Study) -> PrintedTable:
    """Return the table as it is printed."""
    first, second = _factors(item, study)
    what = "error (%)" if study.metric.is_percent else study.metric.label
    unit = "points" if study.metric.is_percent else "the metric's units"
    printed = tuple(
        (
            f"{row.levels[0]} × {row.levels[1]}",
            (
                Entry("–" if np.isnan(row.cost) else f"{row.cost:.3g} ×", cell=row.slug),
                Entry(
                    _number(row.value, row.half_width),
                    note=_not_converged(row.outcomes),
                    hover=", ".join(values_of(row.outcomes)),
                    cell=row.slug,
                ),
                Entry("base" if not i else _number(row.difference, row.difference_half_width)),
            ),
        )
        for i, row in enumerate(rows)
    )
    caption = [
        f"Mean ± half-width of the 95 % t interval over {study.replicates} replicates; compared "
        f"to base: mean difference of pairs that both converged, in {unit}, negative is better.",
    ]
    together = sum_of_gains(rows, first, second)
    if together:
        caption.append(together)
    return PrintedTable(
        title=f"{what[0].upper()}{what[1:]} on the test set, by {first.label} × {second.label}.",
        corner=f"{first.label} × {second.label}",
        groups=(),
        columns=("cost at test", what, "compared to base"),
        rows=printed,
        footer=(),
        caption=tuple(caption),
    )


def sum_of_gains(rows: Sequence[AgainstBase], first: Factor, second: Factor) -> str:
    """Say how the gain of both together compares with the sum of what each gains alone."""
    by_levels = {row.levels: row.difference for row in rows}
    a, b = first.levels, second.levels
    one = by_levels.get((a[-1].name, b[0].name))
    other = by_levels.get((a[0].name, b[-1].name))
    both = by_levels.get((a[-1].name, b[-1].name))
    if one is None or other is None or both is None:
        return ""
    total = one + other
    share = f", {100 * both / total:.0f} % of it" if total < 0 and both < 0 else ""
    return (
        f"Alone, {a[-1].name} {first.label} change it by {number(one, 2)} and {b[-1].name} "
        f"{second.label} by {number(other, 2)}, in sum {number(total, 2)}; together they change "
        f"it by {number(both, 2)}{share}."
    )


def compared_to_csv(rows: Sequence[AgainstBase], item: ComparedToBase, study: Study) -> str:
    """Return one line per cell, floats unrounded."""
    first, second = _factors(item, study)
    header = [
        first.name, second.name, "cell", "relative_cost", "value", "half_width", "difference",
        "difference_half_width", "not_converged", "values",
    ]  # fmt: skip
    lines = [
        [
            *row.levels, row.slug, row.cost, row.value, row.half_width, row.difference,
            row.difference_half_width, int(row.outcomes.not_converged.sum()),
            " ".join(values_of(row.outcomes)),
        ]
        for row in rows
    ]  # fmt: skip
    return csv_text(header, lines)


def _factors(item: ComparedToBase, study: Study) -> tuple[Factor, Factor]:
    free = [factor for factor in study.factors if factor.name not in item.named().values()]
    rows = study.factor(item.rows) if item.rows else free.pop(0)
    return rows, study.factor(item.columns) if item.columns else free[0]


def _shown(values: np.ndarray, study: Study) -> np.ndarray:
    return 100 * (1 - values) if study.metric.is_percent else values


def _number(value: float | None, half_width: float | None) -> str:
    if value is None:
        return "n/c"
    if half_width is None:
        return number(value, 2)
    digits = decimals(half_width, 2)
    return f"{number(value, digits)} ± {half_width:.{digits}f}"


def _not_converged(outcomes: Arm) -> str:
    count = int(outcomes.not_converged.sum())
    return f"{count}/{outcomes.values.size} n/c" if count else ""
