"""The next of V tokens, at every place of a sequence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.task import IGNORED
from ablate.config.task import NextToken as Options
from ablate.errors import ConfigError
from ablate.metrics.scores import log_probabilities
from ablate.tasks.task import How, Outputs, Targets, in_float

#: Of the entropy of the tokens' shares: a network that is not below it has learnt nothing.
_ENTROPY_SHARE = 0.98


@dataclass(frozen=True)
class NextToken:
    """Outputs are logits (N, T, V), targets tokens int64 (N, T): what follows each place.

    bytes_per_token  of the text, on average
    """

    bytes_per_token: float = 1.0
    name: str = "next_token"
    watched: str = "bits_per_byte"
    per_token: bool = True

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return the number of tokens that there are."""
        return classes

    def mismatch(self, targets: Tensor) -> str | None:
        """Targets are whole numbers, one for each token."""
        return None if targets.ndim == 2 and targets.dtype == torch.int64 else "int64 (N, T)"

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Tokens have no unit."""
        return targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy (R,) over all tokens that count, in nats."""
        counted = (targets != IGNORED).flatten(1).sum(dim=1).clamp(min=1)
        return self._losses(outputs, targets).flatten(1).sum(dim=1) / counted

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over examples of each one's mean cross-entropy."""
        counted = (targets != IGNORED).sum(dim=2).clamp(min=1)
        return (self._losses(outputs, targets).sum(dim=2) / counted).sum()

    def _losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        flat = in_float(outputs).flatten(0, 2)
        losses = F.cross_entropy(flat, targets.flatten(), reduction="none", ignore_index=IGNORED)
        return losses.view(targets.shape)

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return loss, bits_per_byte, perplexity and accuracy; no accuracy of what was stored.

        outputs  logits (N, T, V), or log-probabilities of the targets (N, T) as the ledger has them

        bits_per_byte  the loss in bits, over the bytes of a token
        perplexity     e^loss
        accuracy       share of tokens that were the likeliest
        """
        if not np.isfinite(outputs).all():
            return {}
        counted = targets != IGNORED
        loss = -float(_of_targets(outputs, targets)[counted].mean())
        found = {
            "loss": loss,
            "bits_per_byte": loss / math.log(2) / self.bytes_per_token,
            "perplexity": math.exp(min(loss, math.log(np.finfo(np.float64).max))),
        }
        if outputs.ndim > targets.ndim:
            found["accuracy"] = float((outputs.argmax(axis=-1) == targets)[counted].mean())
        return found

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Tell whether the cross-entropy is below 0.98 of the entropy of the tokens' shares.

        That is what guessing by their frequencies has, whatever stands before them.
        """
        shares = np.bincount(targets[targets != IGNORED]) / (targets != IGNORED).sum()
        shares = shares[shares > 0]
        return scores["loss"] < _ENTROPY_SHARE * -float((shares * np.log(shares)).sum())

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the logs of the mean of the views' probabilities."""
        log_p = torch.stack([one.float().log_softmax(dim=-1) for one in outputs])
        return log_p.logsumexp(dim=0) - math.log(len(log_p))

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return the logs of the mean of probabilities; raises ConfigError for a vote.

        members  of the targets, (M, N, T), as the ledger keeps them
        """
        if how == "vote":
            raise ConfigError("ensemble.combine=vote is of classifiers; task=next_token averages.")
        logs = np.logaddexp.reduce(members.astype(np.float64), axis=0)
        return np.asarray(logs - math.log(len(members)))

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return the scores of the mean, and the mean bits per byte of its members."""
        together = self.scores(self.combine(members, how), targets)
        alone = [self.scores(member, targets)[self.watched] for member in members]
        return {
            **{f"test/{name}": value for name, value in together.items()},
            f"members/{self.watched}": float(np.mean(alone)),
        }

    def stored(self, outputs: Outputs, targets: Targets) -> npt.NDArray[np.float32]:
        """Return the log-probability of each target (..., N, T): a V-th of all that was said."""
        return _of_targets(outputs, targets).astype(np.float32)


def build(config: RunConfig | None) -> NextToken:
    """Return the task as a run asks for it; without a config all is as usual."""
    asked = config.task if config else None
    return NextToken(asked.bytes_per_token if isinstance(asked, Options) else 1.0)


def _of_targets(outputs: Outputs, targets: Targets) -> npt.NDArray[np.float64]:
    """Return log-probabilities (..., N, T) of targets (N, T), 0 where one is not counted.

    outputs  logits (..., N, T, V), or these log-probabilities (N, T) already
    """
    if outputs.ndim == targets.ndim:
        return outputs.astype(np.float64)
    places = np.broadcast_to(np.where(targets == IGNORED, 0, targets), outputs.shape[:-1])
    chosen = np.take_along_axis(log_probabilities(outputs), places[..., None], axis=-1)[..., 0]
    return np.where(targets == IGNORED, 0.0, chosen)
