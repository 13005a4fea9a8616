"""Where the runs of a report come from; a mixture is said in the open."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from ablate.study.schema import Study


@dataclass(frozen=True)
class Origin:
    """One line of the provenance: a label and its values, each with its number of runs."""

    label: str
    text: str
    is_mixed: bool


def origins(study: Study, runs: pd.DataFrame, cells: int | None = None) -> list[Origin]:
    """Return where the runs come from, a line per kind of origin.

    cells  how many the study has; None: a grid of its factors
    """
    ended = runs[runs["status"].isin(["done", "diverged"])]
    if cells is None:
        cells = math.prod(len(factor.levels) for factor in study.factors)
    planned = cells * study.replicates
    failed = int((runs["status"] == "failed").sum())
    counts = f"{len(ended)} of {planned} finished"
    lines = [Origin("runs", f"{counts}, {failed} failed" if failed else counts, False)]
    if ended.empty:
        return lines
    commits = ended["commit"].fillna("unknown").astype(str).str[:12]
    # Unknown is None or NaN, and NaN is true: only what equals True is dirty.
    dirty = ended["dirty"].map(lambda value: bool(value == True))  # noqa: E712
    commits = commits + dirty.map({True: " with uncommitted changes", False: ""})
    columns = {
        "commit": commits,
        "torch": ended["torch"],
        "device": ended["device"],
        "processor": ended["cpu"],
        "data SHA-256": ended["data_digest"],
        "seed": ended["seed"],
    }
    return lines + [_origin(label, values) for label, values in columns.items()]


def _origin(label: str, values: pd.Series) -> Origin:
    counts: dict[str, int] = {}
    for value in values:
        text = "unknown" if pd.isna(value) else str(value)
        counts[text] = counts.get(text, 0) + 1
    if len(counts) == 1:
        return Origin(label, next(iter(counts)), False)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{text} ({n} {'run' if n == 1 else 'runs'})" for text, n in ordered]
    return Origin(label, ", ".join(parts), True)
