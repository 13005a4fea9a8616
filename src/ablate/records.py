"""What one run leaves behind: all that passes from training, or the user's own, to the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

#: ``diverged`` is n/c (not converged): data, never dropped. ``failed`` runs have no record.
Status = Literal["done", "diverged"]
#: Why a run is n/c: a training loss was not finite, or at the end nothing was learnt.
NotConverged = Literal["nonfinite", "no_progress"]


@dataclass(frozen=True, eq=False)
class Record:
    """One run: one cell, one replicate, one trained network.

    metrics        final values by name (`test/accuracy`, `validation/loss`, ...); fractions
                   and nats, always finite; a run with a non-finite loss has none
    evaluations    a mapping per evaluation: `step`, `epoch`, `lr`, `train/loss`,
                   `validation/loss`, `validation/accuracy`; the first at step 0 when the run
                   trains at all; non-finite values are left out
    evaluated_at   seconds since the start of the run, one per evaluation (kept beside, since
                   timings must not enter compared files)
    losses         (steps,) float32, the training loss of every step up to the divergence
    probe          packed arrays, see `ablate.probe`; empty when it is off and counts no weights
    predictions    (test examples, classes) float16 logits; None when a loss was not finite
    members        (members, test examples, classes) float16 logits of what one training gives an
                   ensemble: snapshots, or passes with dropout; else None
    weights        state of the network by parameter name; None unless `trainer.save` asks
    """

    metrics: Mapping[str, float]
    seconds: float
    nc_reason: NotConverged | None = None
    diverged_at_step: int | None = None
    evaluations: tuple[Mapping[str, float], ...] = ()
    evaluated_at: tuple[float, ...] = ()
    losses: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    probe: Mapping[str, np.ndarray] = field(default_factory=dict)
    predictions: np.ndarray | None = None
    members: np.ndarray | None = None
    weights: Mapping[str, np.ndarray] | None = None
    parameters: int | None = None
    multiply_adds: int | None = None

    @property
    def status(self) -> Status:
        """The word that is stored: a run with a reason not to have converged is n/c."""
        return "done" if self.nc_reason is None else "diverged"


@dataclass(frozen=True)
class Outcome:
    """What a training procedure may return instead of its metrics alone.

    metrics      final values by name: `test/accuracy` and its like as fractions, or own names
    evaluations  a mapping per evaluation with its `step`, for learning curves
    losses       the training loss of each step
    converged    false: the run is n/c
    predictions  test logits (N, K); accuracy, nll, brier and ece follow from them
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluations: Sequence[Mapping[str, float]] = ()
    losses: Sequence[float] = ()
    converged: bool = True
    predictions: npt.NDArray[np.floating] | None = None
