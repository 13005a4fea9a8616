"""What training minimizes: a loss per replicate, this package's or the user's own."""

import itertools
from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from ablate import user
from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.streams import Streams

#: From logits (R, B, K) and labels (R, B) to the losses (R,).
Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(config: RunConfig, streams: Streams) -> Loss:
    """Return the loss of `config`; one of the user's own takes logits (B, K) and labels (B,).

    What theirs draws from global generators is a stream of the call's number.
    """
    if not isinstance(config.loss, Target):
        return partial(per_replicate_loss, label_smoothing=config.label_smoothing)
    path = config.loss.target
    with streams.seeded("loss", "made"):
        loss = user.bound(config.loss, "loss")
    numbers = itertools.count()

    def own(logits: Tensor, labels: Tensor) -> Tensor:
        # Copies: a mixed batch's logits are taken twice, a batch's labels by L-BFGS many times.
        with streams.seeded("loss", next(numbers), logits.device):
            try:  # costs nothing in a step, as `user.calling` would
                value: Tensor = loss(logits[0].float().clone(), labels[0].clone())
                return value.reshape(1)
            except user.RAISED as error:
                raise user.failure(error, "loss", path) from error

    return own


def per_replicate_loss(
    logits: Float[Tensor, "R B K"], labels: Int64[Tensor, "R B"], label_smoothing: float = 0.0
) -> Float[Tensor, " R"]:
    """Return the mean cross-entropy (R,) of logits (R, B, K) against labels (R, B)."""
    flat, targets = logits.float().flatten(0, 1), labels.flatten()
    losses = F.cross_entropy(flat, targets, reduction="none", label_smoothing=label_smoothing)
    return losses.view(labels.shape).mean(dim=1)
