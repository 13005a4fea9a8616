"""What training of the user's own tells while it goes on, whoever tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: A curve has a loss per step; of longer trainings there is none without `run.loss`: 40 MB.
MOST_STEPS = 10_000_000


@dataclass(frozen=True, eq=False)
class Told:
    """What was told by the time training ended.

    evaluations   in the order of their steps, values that are not finite included
    evaluated_at  seconds since the start, one per evaluation
    losses        (steps,) float32, up to and including the first that is not finite
    probe         packed arrays, see `ablate.probe`
    died          after so many steps something was not finite, where no loss says it
    """

    evaluations: Sequence[Mapping[str, float]] = ()
    evaluated_at: Sequence[float] = ()
    losses: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    probe: Mapping[str, np.ndarray] = field(default_factory=dict)
    died: int | None = None


def losses_between(evaluations: Sequence[Mapping[str, float]]) -> npt.NDArray[np.float32]:
    """Return a loss per step (steps,) from evaluations that have `train/loss`.

    Each stands for all steps since the one before it, of which it is the mean. There is none
    of a step beyond `MOST_STEPS`.
    """
    known = [(int(row["step"]), row["train/loss"]) for row in evaluations if "train/loss" in row]
    if not known or known[-1][0] > MOST_STEPS:
        return np.empty(0, np.float32)
    steps, losses = zip(*known, strict=True)
    with np.errstate(over="ignore"):
        return np.repeat(np.asarray(losses, np.float32), np.diff(steps, prepend=0))
