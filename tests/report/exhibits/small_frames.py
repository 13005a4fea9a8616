"""Two factors with two levels each, four replicates, and what may happen to a run.

Cell                A/x             A/y                  B/x                   B/y
Replicates          all converged   the fourth is n/c    the first is missing  all are n/c
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.figures.canvas import Drawing
from ablate.report.figures.select import Subject, subjects
from ablate.report.frame import Frames
from ablate.study.items import Item
from ablate.study.schema import Factor, Level, Metric, Study

REPLICATES = 4
CELLS = tuple(product("AB", "xy"))


def study(item: Item, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Study:
    """Return the study; `overrides` are those of a level, by its name."""
    of = overrides or {}

    def factor(name: str, label: str, levels: str, axis: str) -> Factor:
        made = tuple(Level(name=level, overrides=of.get(level, {name: level})) for level in levels)
        return Factor(name=name, label=label, levels=made, axis=axis)

    return Study(
        name="small", question="Is it drawn?", baseline={"data": "mnist"}, replicates=REPLICATES,
        factors=(factor("one", "first", "AB", "category"), factor("two", "second", "xy", "log")),
        metric=Metric(name="test/accuracy", better="higher"), report=(item,),
    )  # fmt: skip


def status(cell: tuple[str, str], replicate: int) -> str | None:
    """Return how a run ended, None where it is missing."""
    if cell == ("B", "x") and replicate == 0:
        return None
    return "diverged" if cell == ("B", "y") or (cell, replicate) == (("A", "y"), 3) else "done"


def present() -> Iterator[tuple[tuple[str, str], int, dict[str, Any]]]:
    """Yield the cell, the replicate and the keys of every run that ended."""
    for cell in CELLS:
        for replicate in range(REPLICATES):
            if status(cell, replicate) is not None:
                yield cell, replicate, {"cell": "".join(cell), "replicate": replicate}


def runs(values: Mapping[str, Mapping[tuple[str, str], Sequence[float]]]) -> pd.DataFrame:
    """Return the runs with columns by name, of four values a cell; NaN where a run is n/c."""
    rows = []
    for cell, replicate, keys in present():
        ended = status(cell, replicate)
        row = {**keys, "factor:one": cell[0], "factor:two": cell[1], "status": ended}
        for name, by_cell in values.items():
            row[name] = by_cell[cell][replicate] if ended == "done" else math.nan
        rows.append(row)
    return pd.DataFrame(rows)


def layer_rows(keys: Mapping[str, Any], quantity: str, stds: Sequence[float], step: int = 0,
               **more: Any) -> list[dict[str, Any]]:  # fmt: skip
    """Return the probe's rows of one run at one step, a std per layer."""
    return [
        {**keys, "step": step, "layer": layer, "quantity": quantity, "std": std,
         "zero": 0.0, "dead": 0.0, "saturated": math.nan, "exponent": 0, "histogram": None, "p15": -std, "p50": 0.0,
         "p85": std, **more}
        for layer, std in enumerate(stds, start=1)
    ]  # fmt: skip


def counts(bins: Mapping[int, float]) -> np.ndarray:
    """Return a histogram's counts (130,): `bins` counts from the first right of zero."""
    made = np.zeros(130, dtype=np.uint32)
    for place, count in bins.items():
        made[65 + place] = count
    return made


def frames(runs: pd.DataFrame, **given: list[dict[str, Any]]) -> Frames:
    """Return the frames of a study; those that are not given have no rows."""
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    names = ("epochs", "layers", "curves", "tuning", "calibration", "timings", "pixels", "examples")
    made = {name: pd.DataFrame(given[name]) if name in given else empty for name in names}
    return Frames(runs=runs, **made)


def subject_of(context: Context, *roles: str, **options: Any) -> Subject:
    """Return the first thing that a figure is about."""
    return next(subjects(context, *roles, **options))


def drawings(context: Context) -> list[Drawing]:
    """Return the figures of an item, drawn as a report draws them."""
    return [exhibit for exhibit in exhibits_of(context) if isinstance(exhibit, Drawing)]
