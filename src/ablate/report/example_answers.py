"""Which test examples the runs of several arms get right, paired by replicate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablate.errors import ReportError
from ablate.report.held_out import unpacked
from ablate.stats import Arm, Array
from ablate.stats.arms import Flags


class NotRecordedError(ReportError):
    """Nobody knows which test examples some runs get right; why, or nothing."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What some arms answer to each of N test examples.

    test_set    the digest of the examples
    replicates  R of them: those with a setting that converged in all arms
    left_out    replicates without one
    right       (arms, R, N): the share of these settings in which an arm is right. Its mean over
                examples is the accuracy, as a fraction, that effects are made of
    """

    test_set: str
    replicates: tuple[int, ...]
    left_out: int
    right: Array


def answers(arms: Sequence[Arm], examples: pd.DataFrame) -> Answers:
    """Return what arms of the same settings answer.

    examples  the frame of that name

    Raises NotRecordedError where a run that converged is not in it, and where test sets differ.
    """
    if examples.empty:
        raise NotRecordedError
    both = np.all([arm.converged for arm in arms], axis=0)
    replicates = tuple(int(r) for r in np.flatnonzero(both.any(axis=0)))
    left_out = both.shape[1] - len(replicates)
    wanted = {cell for arm in arms for cell in arm.cells}
    rows = {
        (row["cell"], row["replicate"]): row
        for row in examples[examples["cell"].isin(wanted)].to_dict("records")
    }
    runs = [(arm.cells[s], r) for arm in arms for s, r in np.argwhere(both).tolist()]
    if missing := next((cell for cell, r in runs if (cell, r) not in rows), None):
        raise NotRecordedError(f"runs of {missing} keep no predictions")
    sets = {rows[run]["test_set"] for run in runs}
    if len(sets) > 1:
        raise NotRecordedError("the runs are scored on different test sets")
    right = [[_share(arm, both[:, r], r, rows) for r in replicates] for arm in arms]
    return Answers(next(iter(sets), ""), replicates, left_out, np.array(right))


def _share(
    arm: Arm, settings: Flags, replicate: int, rows: Mapping[tuple[Any, Any], Mapping[Any, Any]]
) -> Array:
    """Return the share of an arm's settings, (S,) bool, that get each example right, (N,)."""
    right = [unpacked(rows[arm.cells[s], replicate]) for s in np.flatnonzero(settings)]
    return np.asarray(np.mean(right, axis=0))
