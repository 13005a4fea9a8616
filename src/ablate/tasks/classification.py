"""One of K classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from ablate.config import RunConfig
from ablate.metrics import scores as of_logits
from ablate.tasks import classifiers
from ablate.tasks.task import How, Outputs, Targets, in_float

_ENTROPY_SHARE = 0.98
_ACCURACY_SHARE = 0.1


@dataclass(frozen=True)
class Classification:
    """Outputs are logits (N, K), targets labels, int64 (N,) from 0 to K - 1.

    label_smoothing  of what training minimizes, and so of the score `loss`
    """

    label_smoothing: float = 0.0
    name: str = "classification"
    watched: str = "accuracy"
    per_token: bool = False

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return the number of classes."""
        return classes

    def mismatch(self, targets: Tensor) -> str | None:
        """Labels are whole numbers, one for each example."""
        return None if targets.ndim == 1 and targets.dtype == torch.int64 else "int64 (N,)"

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Labels have no unit."""
        return targets

    def loss(
        self, outputs: Float[Tensor, "R B K"], targets: Int64[Tensor, "R B"]
    ) -> Float[Tensor, " R"]:
        """Return the mean cross-entropy (R,) of logits (R, B, K) against labels (R, B)."""
        flat, smoothing = in_float(outputs).flatten(0, 1), self.label_smoothing
        losses = F.cross_entropy(
            flat, targets.flatten(), reduction="none", label_smoothing=smoothing
        )
        return losses.view(targets.shape).mean(dim=1)

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of cross-entropies, against labels that are not smoothed."""
        return F.cross_entropy(in_float(outputs).flatten(0, 1), targets.flatten(), reduction="sum")

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return loss, accuracy, nll, brier and ece, see `ablate.metrics.scores`."""
        return of_logits.scores(outputs, targets, self.label_smoothing)

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Tell whether training ended ahead of guessing by class shares.

        It did not where both hold: the cross-entropy (hard labels, nats) is at least 0.98 of the
        entropy of the label shares, and the accuracy is below p + 0.1 (1 - p), p the largest share.
        The loss alone would condemn networks that are confidently wrong on few examples yet right
        on most; the accuracy alone would condemn those whose probabilities have begun to improve.
        """
        shares = np.bincount(targets) / len(targets)
        shares = shares[shares > 0]
        entropy = -float((shares * np.log(shares)).sum())
        largest = float(shares.max())
        guessing = largest + _ACCURACY_SHARE * (1 - largest)
        return not (scores["loss"] >= _ENTROPY_SHARE * entropy and scores["accuracy"] < guessing)

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the logs of the mean of the views' probabilities."""
        log_p = [one.float().log_softmax(dim=2) for one in outputs]
        # A replicate at a time: what does not fill a vector is computed with other instructions,
        # and in a stack that would be other numbers than alone.
        means = [own.logsumexp(dim=0) for own in torch.stack(log_p, dim=1)]
        return torch.stack(means) - math.log(len(log_p))

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return the log-probabilities of the mean of probabilities, or of votes."""
        return classifiers.combine(members, how)

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return what `ablate.tasks.classifiers` says of them together."""
        return classifiers.ensemble_scores(members, targets, how)

    def stored(self, outputs: Outputs, targets: Targets) -> npt.NDArray[np.float16]:
        """Return logits in half precision, what is beyond its range at its ends."""
        return of_logits.as_float16(outputs)


def build(config: RunConfig | None) -> Classification:
    """Return the task as a run asks for it; without a config all is as usual."""
    return Classification(config.label_smoothing if config else 0.0)
