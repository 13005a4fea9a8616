"""Forward passes without gradients: logits of many examples, and their scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.config.augment import Augment
from ablate.data.views import view_count, views
from ablate.metrics.scores import scores
from ablate.nn.network import Network
from ablate.streams import Streams
from ablate.train.batches import Examples

#: Examples per forward pass. Fixed: it may decide the last bits of a logit. Small, because a
#: large convolution spends its time on fresh memory pages.
BATCH = 100


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which forward passes run."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


@torch.no_grad()
def logits(
    network: Network, data: Examples, indices: Tensor, precision: str
) -> npt.NDArray[np.float32]:
    """Return float32 logits (R, n, K) of the examples `indices` (R, n), in eval mode.

    The network is left in training mode.
    """
    network.eval()
    result = _outputs(network, data, indices, precision)
    network.train()
    return result


@torch.no_grad()
def logits_over_views(
    network: Network, data: Examples, indices: Tensor, precision: str, augment: Augment
) -> npt.NDArray[np.float32]:
    """Return the logs of the probabilities averaged over the test-time views of each example.

    As `logits` where there is one view.
    """
    if view_count(augment) == 1:
        return logits(network, data, indices, precision)
    network.eval()
    parts = []
    for inputs in _batches(data, indices):
        with autocast(inputs.device, precision):
            seen = [network(view).float() for view in views(augment, inputs, data.scaling.shift)]
        log_p = torch.stack([view.log_softmax(dim=2) for view in seen], dim=1)
        # A replicate at a time: what does not fill a vector is computed with other instructions,
        # and in a stack that would be other numbers than alone.
        means = [own.logsumexp(dim=0) for own in log_p]
        parts.append(torch.stack(means) - math.log(len(seen)))
    network.train()
    return _joined(parts)


@torch.no_grad()
def stochastic_logits(
    network: Network,
    data: Examples,
    indices: Tensor,
    precision: str,
    streams: Sequence[Streams],
    passes: int,
) -> npt.NDArray[np.float32]:
    """Return logits (passes, R, n, K) with dropout at work, everything else in eval mode.

    Each pass draws its masks from streams of its own, as if it were another member of an
    ensemble; the training's masks are those of member 0.
    """
    results = []
    device = data.x.device.type
    for number in range(1, passes + 1):
        network.seed_dropout([replace(s, member=number) for s in streams], device)
        with network.dropout_at_inference():
            results.append(_outputs(network, data, indices, precision))
    network.train()
    return np.stack(results)


def evaluate(
    network: Network, data: Examples, indices: Tensor, precision: str, label_smoothing: float
) -> list[dict[str, float]]:
    """Return the scores of each replicate on its examples `indices` (R, n)."""
    outputs = logits(network, data, indices, precision)
    labels = data.y[indices].cpu().numpy()
    return [scores(o, y, label_smoothing) for o, y in zip(outputs, labels, strict=True)]


def _outputs(
    network: Network, data: Examples, indices: Tensor, precision: str
) -> npt.NDArray[np.float32]:
    with autocast(data.x.device, precision):
        return _joined([network(inputs).float() for inputs in _batches(data, indices)])


def _batches(data: Examples, indices: Tensor) -> Iterator[Tensor]:
    for first in range(0, indices.shape[1], BATCH):
        inputs, _ = data.batch(indices[:, first : first + BATCH])
        yield inputs


def _joined(parts: Sequence[Tensor]) -> npt.NDArray[np.float32]:
    result: npt.NDArray[np.float32] = torch.cat(list(parts), dim=1).cpu().numpy()
    return result
