"""The one-sentence answer of a report: mechanical, from the tables, and nothing a test denies."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablate.report.columns import level_column
from ablate.report.number_text import mean_text
from ablate.report.tables import ResultCell, ResultTable
from ablate.study.schema import Factor, Study


def answer(tables: Sequence[ResultTable], study: Study) -> str:
    """Return what the tables say: who leads and where, the extremes, and how many runs are n/c."""
    cells = [cell for table in tables for cell in table.cells]
    finished = sum(cell.summary.n for cell in cells)
    if not finished:
        return "No run has finished yet."
    eligible = [cell for cell in cells if cell.summary.is_eligible]
    parts = ["In no cell did more than half of the runs converge"]
    if eligible:
        parts = [_leaders(tables[0].rows, cells, study), _extremes(eligible, study)]
    failures = sum(cell.summary.not_converged for cell in cells)
    missing = sum(cell.summary.missing for cell in cells)
    parts.append(
        f"{failures} of {finished} runs did not converge" if failures else "every run converged"
    )
    if missing:
        parts.append(f"{missing} of {finished + missing} runs are missing")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def untrained_answer(layers: pd.DataFrame, runs: pd.DataFrame, study: Study) -> str:
    """Return what happens to the forward signal, for a study that trains nothing.

    layers  as in `ablate.report.frame.Frames`; the median over replicates of a cell's ratio of
            the last hidden layer's standard deviation to the first's is what is told
    """
    signal = layers[(layers["quantity"] == "activation") & (layers["step"] == 0)]
    by_layer = signal.groupby(["cell", "layer"])["std"].median().unstack()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (by_layer.iloc[:, -1] / by_layer.iloc[:, 0]).dropna().sort_values()
    ratios = ratios[np.isfinite(ratios)]
    if ratios.empty:
        return "Nothing is trained, and no layer carries a signal."
    factors = [factor.name for factor in study.factors]
    levels = runs.drop_duplicates("cell").set_index("cell")

    def name(cell: str) -> str:
        return " · ".join(f"{f}={levels[level_column(f)][cell]}" for f in factors)

    kept = int(((ratios > 0.5) & (ratios < 2)).sum())
    low, high = str(ratios.index[0]), str(ratios.index[-1])
    text = (
        "From the first hidden layer to the last, the standard deviation of the activations "
        f"changes by less than a factor of two in {kept} of {len(by_layer)} cells"
    )
    if 0 < ratios[low] < 1 < ratios[high]:
        text += (
            f"; it shrinks most with {name(low)} (by {1 / ratios[low]:.2g}) and grows most with "
            f"{name(high)} (by {ratios[high]:.2g})"
        )
    return f"{text}; nothing is trained."


def _leaders(rows: Factor, cells: Sequence[ResultCell], study: Study) -> str:
    """Say which rows lead in how many columns, or why that cannot be said."""
    if study.replicates < 2:
        return "one run per cell, so no difference is tested"
    led = {level.name: 0 for level in rows.levels}
    for cell in cells:
        led[cell.row] += cell.best or cell.not_worse
    most, columns = max(led.values()), sum(cell.best for cell in cells)
    leaders = [name for name, count in led.items() if count == most]
    if len(leaders) == len(led) and most == columns:
        return f"no level of {rows.label} is shown worse than another"
    who = f"{rows.label} {_listed(leaders)} {'is' if len(leaders) == 1 else 'are each'}"
    if columns == 1:
        return f"{who} best or not shown worse than the best"
    factors = [f.label for f in study.factors if f.name != rows.name]
    return (
        f"{who} best, or not shown worse than the best, in {most} of {columns} settings of "
        f"{_listed(factors)}"
    )


def _extremes(eligible: Sequence[ResultCell], study: Study) -> str:
    descending = study.metric.better == "higher"
    ranked = sorted(eligible, key=lambda cell: cell.summary.mean or 0.0, reverse=descending)
    best = f"the best cell is {_cell(ranked[0], study)}"
    if len(ranked) == 1:
        return best
    return f"{best}, the worst that converged is {_cell(ranked[-1], study)}"


def _cell(cell: ResultCell, study: Study) -> str:
    name = " · ".join(f"{factor}={level}" for factor, level in cell.levels.items())
    unit = f" {study.metric.unit}" if study.metric.unit else ""
    return f"{name} ({mean_text(cell.summary, study.metric)}{unit})"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
