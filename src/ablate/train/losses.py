"""What training minimizes: a loss per replicate, the task's or the user's own."""

import itertools
from collections.abc import Callable

from torch import Tensor

from ablate import user
from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.streams import Streams
from ablate.tasks import Task

#: From outputs (R, B, K) and targets (R, B, ...) to the losses (R,).
Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(config: RunConfig, task: Task, streams: Streams) -> Loss:
    """Return the loss of `config`; one of the user's own takes outputs (B, K) and targets (B, ...).

    What theirs draws from global generators is a stream of the call's number.
    """
    if not isinstance(config.loss, Target):
        return task.loss
    path = config.loss.target
    with streams.seeded("loss", "made"):
        loss = user.bound(config.loss, "loss")
    numbers = itertools.count()

    def own(outputs: Tensor, targets: Tensor) -> Tensor:
        # Copies: a mixed batch's outputs are taken twice, a batch's targets by L-BFGS many times.
        with streams.seeded("loss", next(numbers), outputs.device):
            try:  # costs nothing in a step, as `user.calling` would
                value: Tensor = loss(outputs[0].float().clone(), targets[0].clone())
                return value.reshape(1)
            except user.RAISED as error:
                raise user.failure(error, "loss", path) from error

    return own
