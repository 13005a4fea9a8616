"""Forward passes without gradients: outputs for many examples, and their scores."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.data.views import view_count, views
from ablate.train import BATCH
from ablate.train.batches import Examples
from ablate.train.prepare import Stack

Outputs = npt.NDArray[np.float32]


def scores_of(
    stack: Stack, data: Examples, indices: Tensor, outputs: Outputs | None = None
) -> list[dict[str, float]]:
    """Return the scores of each replicate, as it stands, on its examples `indices` (R, n).

    outputs  (R, n, K) for these where they are known
    """
    if outputs is None:
        outputs = _evaluated(stack, data, indices, stack.network)
    targets = data.targets(indices).cpu().numpy()
    return [stack.task.scores(own, y) for own, y in zip(outputs, targets, strict=True)]


def settle_statistics(stack: Stack) -> None:
    """Before a look at inference: take population statistics where the model asks for them."""
    with stack.autocast():
        stack.network.settle_statistics(stack.population)


def final_outputs(stack: Stack) -> Outputs:
    """Return the test set's outputs (R, N, K) as the networks stand.

    Of several test-time views of each example, what they give together.
    """

    def averaged(inputs: Tensor) -> Tensor:
        seen = views(stack.config.views, inputs, stack.test.scaling.shift)
        return stack.task.averaged([stack.network(view) for view in seen])

    settle_statistics(stack)
    predict = averaged if view_count(stack.config.views) > 1 else stack.network
    return _evaluated(stack, stack.test, stack.test_indices, predict)


def stochastic_outputs(stack: Stack, passes: int) -> Outputs:
    """Return the test set's outputs (passes, R, N, K) with dropout at work, the rest in eval mode.

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
) -> Outputs:
    """Return float32 outputs (R, n, K) in eval mode; the network is left in training mode."""
    stack.network.eval()
    result = _outputs(stack, data, indices, predict)
    stack.network.train()
    return result


@torch.no_grad()
def _outputs(
    stack: Stack, data: Examples, indices: Tensor, predict: Callable[[Tensor], Tensor]
) -> Outputs:
    batches = torch.split(indices, BATCH, dim=1)
    with stack.autocast():
        parts = [predict(data.batch(own)[0]).float() for own in batches]
    result: Outputs = torch.cat(parts, dim=1).cpu().numpy()
    return result
