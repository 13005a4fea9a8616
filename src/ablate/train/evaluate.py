"""Forward passes without gradients: logits of many examples, and their scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.nn import Network
from ablate.train.batches import Examples
from ablate.train.metrics import scores

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
    parts = []
    with autocast(data.x.device, precision):
        for first in range(0, indices.shape[1], BATCH):
            inputs, _ = data.batch(indices[:, first : first + BATCH])
            parts.append(network(inputs).float())
    network.train()
    result: npt.NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
    return result


def evaluate(
    network: Network, data: Examples, indices: Tensor, precision: str
) -> list[dict[str, float]]:
    """Return the scores of each replicate on its examples `indices` (R, n)."""
    outputs = logits(network, data, indices, precision)
    labels = data.y[indices].cpu().numpy()
    return [scores(o, y) for o, y in zip(outputs, labels, strict=True)]
