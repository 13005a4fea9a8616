"""How far an optimizer goes for a gradient of one, as gradients of one weight come and go.

The gradients are those of a training whose loss falls: large in the first part, a tenth of it from
then on, each times a factor drawn anew. What a step goes is divided by the learning rate and by the
size that gradients have there, so that plain descent goes 1 and

Adagrad  1 / sqrt(sum of all squares), which only falls (Duchi et al. 2011)
RMSProp  1 / sqrt(mean of late squares), which rises tenfold (Tieleman & Hinton 2012)

without noise to the last digits; `tests/lessons` holds these forms.
"""

from typing import Any

import numpy as np
import torch

from ablate.config import RunConfig
from ablate.errors import ConfigError
from ablate.records import Outcome
from ablate.streams import Streams
from ablate.train.optimizers import build_optimizer, update

_FALLS_TO = 0.1
#: Steps over which sizes are averaged: longer than momentum remembers.
_WINDOW = 50


def follow_gradients(
    config: RunConfig,
    _data: Any,
    streams: Streams,
    large: int = 300,
    small: int = 700,
    noise: float = 0.3,
) -> Outcome:
    """Give an optimizer gradients that are large and then small, as the procedure of a study.

    large, small  steps with gradients of size 1, and then of size 0.1; at least 50 each
    noise         standard deviation of the logarithm of their factors, which a replicate draws

    Metrics, means over 50 steps: `rate_early`, how far a step goes in units of learning rate and
    gradient at the end of the large ones; `rate_late` at the end of all; `grows`, the latter over
    the former. They are evaluated every 50 steps as `rate`. Raises ConfigError for fewer steps.
    """
    if min(large, small) < _WINDOW:
        raise ConfigError(
            f"trainer.large={large} and trainer.small={small} must be at least {_WINDOW}."
        )
    sizes = np.repeat([1.0, _FALLS_TO], [large, small])
    factors = np.exp(noise * streams.numpy("order", "gradients").standard_normal(len(sizes)))
    weight = torch.nn.Parameter(torch.zeros(1, 1, 1, dtype=torch.float64))
    optimizer = build_optimizer(config.optimizer, [("w", weight)])
    gone = np.empty(len(sizes))
    for step, gradient in enumerate(sizes * factors):
        before = weight.item()
        weight.grad = torch.full_like(weight, gradient)
        update(optimizer, config.lr, config.penalty, None)
        gone[step] = abs(weight.item() - before) / (config.lr * sizes[step])
    ends = range(_WINDOW, len(sizes) + 1, _WINDOW)
    early, late = gone[large - _WINDOW : large].mean(), gone[-_WINDOW:].mean()
    return Outcome(
        {"rate_early": float(early), "rate_late": float(late), "grows": float(late / early)},
        [{"step": end, "rate": float(gone[end - _WINDOW : end].mean())} for end in ends],
    )
