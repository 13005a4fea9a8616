"""What every task says: the one place that training, probe, ensembles and ledger ask."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Outputs = npt.NDArray[np.floating]
Targets = npt.NDArray[Any]
How = Literal["average", "geometric", "vote"]


def in_float(outputs: Tensor) -> Tensor:
    """Return outputs of half precision in single precision, others as they are."""
    return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs


class Task(Protocol):
    """What networks with K outputs are to predict of N examples.

    Tensors lead with replicates, (R, B, K) and (R, B, ...). Arrays are those of one replicate, so
    that its scores, computed in float64, are the same bits alone and in a stack. Where `per_token`
    is true there are K outputs at each of T places of a sequence, (R, B, T, K).
    """

    @property
    def name(self) -> str:
        """As `task.name` has it; of the user's own the dotted path."""

    @property
    def watched(self) -> str:
        """The score that is looked at beside the loss while networks train."""

    @property
    def per_token(self) -> bool:
        """Whether each place of a sequence has outputs of its own."""

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return how many outputs K a network needs.

        targets  of the training set, (N, ...)
        classes  that the data says it has; 0 where it has none
        """

    def mismatch(self, targets: Tensor) -> str | None:
        """Return what targets (N, ...) have to be, None where they are that."""

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Return targets (N, ...) in the units of those that a replicate trains on, (n, ...)."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what training minimizes, a mean over examples: (R,)."""

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over examples and replicates of each example's own loss, ()."""

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return by name the loss and all else that is scored; none where an output is infinite.

        outputs  (N, K)
        targets  (N, ...)
        """

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Tell whether a network is better than a guess from training targets (n, ...) alone.

        scores  of clean training examples in eval mode
        """

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, B, K) that those of several views of the examples give."""

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return the outputs (N, K) that those of M members (M, N, K) give together."""

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return the scores of the combination, `test/...`, and what its members are like."""

    def stored(self, outputs: Outputs, targets: Targets) -> Outputs:
        """Return outputs (N, K) or those of members (M, N, K) as the ledger keeps them.

        targets  (N, ...), of which alone a task may keep what was said
        """
