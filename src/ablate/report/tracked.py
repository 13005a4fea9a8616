"""`metrics.json` and `curves.csv`: a report in the form in which DVC compares versions."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.report.frame import Frames
from ablate.report.tables import csv_text
from ablate.report.verdicts import Verdict
from ablate.study.schema import Study

METRICS, CURVES = "metrics.json", "curves.csv"
#: Rows of the curves, at most: about 80 bytes each.
_MOST_ROWS = 1_200
_HEADER = ("cell", "step", "epoch", "validation", "training_loss")
#: What a curve on validation shows: the first of these that the runs have.
_VALIDATED = ("validation/accuracy", "validation/r2", "validation/f1", "validation/loss")


def write_tracked(
    study: Study,
    verdicts: Sequence[Verdict],
    frames: Frames,
    names: Mapping[str, str],
    directory: Path,
) -> list[str]:
    """Write what DVC shows of a study; return the names of the files.

    names  of the cells, as people read them, by folder
    """
    numbers = tracked_numbers(verdicts, frames.runs, study.headline)
    text = json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (directory / METRICS).write_text(text, encoding="utf-8")
    lines = tracked_curves(frames.epochs, names)
    (directory / CURVES).write_text(csv_text(_HEADER, lines), encoding="utf-8")
    return [METRICS, CURVES]


def tracked_numbers(
    verdicts: Sequence[Verdict], runs: pd.DataFrame, named: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the runs by how they ended, the numbers of the headline, the verdict on every claim.

    named  the claims that the study is about; the headline is the first of them, else of all

    DVC shows a column per key of any study: hence the same keys for all.
    """
    ended = runs["status"].value_counts()
    numbers: dict[str, Any] = {
        "runs": len(runs),
        "not_converged": int(ended.get("diverged", 0)),
        "failed": int(ended.get("failed", 0)),
    }
    about = [verdict for verdict in verdicts if verdict.claim.name in named] or verdicts
    for verdict in about[:1]:
        numbers["headline"] = {
            "claim": verdict.claim.name,
            "verdict": verdict.outcome,
            "effect": _rounded(verdict.evidence.effect),
            "low": _rounded(verdict.low),
            "high": _rounded(verdict.high),
            "unit": verdict.unit,
            "n": verdict.evidence.n,
            "not_converged": sum(verdict.not_converged),
        }
    if verdicts:
        words = (f"{verdict.claim.name}: {verdict.outcome}" for verdict in verdicts)
        numbers["verdicts"] = ", ".join(words)
    return numbers


def tracked_curves(epochs: pd.DataFrame, names: Mapping[str, str]) -> list[list[Any]]:
    """Return a line per cell and evaluation: medians over the replicates that reached it.

    Lines are cell, step, epoch, the metric on validation (accuracy in fractions, else loss in
    nats) and the training loss in nats. Of long trainings every k-th evaluation and the last.
    """
    known = (name for name in _VALIDATED if name in epochs and epochs[name].notna().any())
    shown = next(known, _VALIDATED[0])
    columns = ["epoch", shown, "train/loss"]
    medians = epochs.groupby(["cell", "step"], sort=False)[columns].median().reset_index()
    cells = medians.groupby("cell", sort=False)
    most = max(2, _MOST_ROWS // max(1, cells.ngroups))
    place, count = cells.cumcount(), cells["step"].transform("size")
    every = np.ceil(count / most)
    medians = medians.assign(order=cells.ngroup())[(place % every == 0) | (place == count - 1)]
    kept = medians.sort_values(["order", "step"])[["cell", "step", *columns]]
    return [
        [names.get(str(cell), str(cell)), int(step), *map(_rounded, numbers)]
        for cell, step, *numbers in kept.itertuples(index=False)
    ]


def _rounded(number: float | None) -> float | None:
    """Return six digits: what DVC prints; None for what is no number."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.6g}")
