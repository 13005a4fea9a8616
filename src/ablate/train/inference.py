"""Forward passes without gradients: logits of many examples, and their scores."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.data.views import view_count, views
from ablate.metrics.scores import scores
from ablate.train import BATCH
from ablate.train.batches import Examples
from ablate.train.prepare import Stack

Logits = npt.NDArray[np.float32]


def scores_of(
    stack: Stack, data: Examples, indices: Tensor, logits: Logits | None = None
) -> list[dict[str, float]]:
    """Return the scores of each replicate, as it stands, on its examples `indices` (R, n).

    logits  (R, n, K) of these where they are known
    """
    if logits is None:
        logits = _evaluated(stack, data, indices, stack.network)
    labels, smoothing = data.labels(indices).cpu().numpy(), stack.config.label_smoothing
    return [scores(own, y, smoothing) for own, y in zip(logits, labels, strict=True)]


def settle_statistics(stack: Stack) -> None:
    """Before a look at inference: take population statistics where the model asks for them."""
    with stack.autocast():
        stack.network.settle_statistics(stack.population)


def final_logits(stack: Stack) -> Logits:
    """Return the test set's logits (R, N, K) as the networks stand.

    Of several test-time views of each example, the logs of their probabilities' average.
    """

    def averaged(inputs: Tensor) -> Tensor:
        seen = views(stack.config.views, inputs, stack.test.scaling.shift)
        log_p = [stack.network(view).float().log_softmax(dim=2) for view in seen]
        # A replicate at a time: what does not fill a vector is computed with other instructions,
        # and in a stack that would be other numbers than alone.
        means = [own.logsumexp(dim=0) for own in torch.stack(log_p, dim=1)]
        return torch.stack(means) - math.log(len(log_p))

    settle_statistics(stack)
    predict = averaged if view_count(stack.config.views) > 1 else stack.network
    return _evaluated(stack, stack.test, stack.test_indices, predict)


def stochastic_logits(stack: Stack, passes: int) -> Logits:
    """Return the test set's logits (passes, R, N, K) with dropout at work, the rest in eval mode.

    Each pass draws its masks from streams of its own, as if it were another member of an
    ensemble; the training's masks are those of member 0.
    """
    results = []
    for number in range(1, passes + 1):
        streams = [replace(own, member=number) for own in stack.streams]
        stack.network.seed_dropout(streams, stack.test.x.device.type)
        with stack.network.dropout_at_inference():
            results.append(_outputs(stack, stack.test, stack.test_indices, stack.network))
    return np.stack(results)


def _evaluated(
    stack: Stack, data: Examples, indices: Tensor, predict: Callable[[Tensor], Tensor]
) -> Logits:
    """Return float32 logits (R, n, K) in eval mode; the network is left in training mode."""
    stack.network.eval()
    result = _outputs(stack, data, indices, predict)
    stack.network.train()
    return result


@torch.no_grad()
def _outputs(
    stack: Stack, data: Examples, indices: Tensor, predict: Callable[[Tensor], Tensor]
) -> Logits:
    batches = torch.split(indices, BATCH, dim=1)
    with stack.autocast():
        parts = [predict(data.batch(own)[0]).float() for own in batches]
    result: Logits = torch.cat(parts, dim=1).cpu().numpy()
    return result
