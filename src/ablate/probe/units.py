"""How alike the units of each hidden layer are: whether they say the same, or each its own.

Units that rely on each other move together (Srivastava et al. 2014 call it co-adaptation, and find
less of it behind dropout). Two numbers tell of it, of the activations at inference:

    alike      the mean magnitude of Pearson's correlation over pairs of units
    effective  (tr C)^2 / (n tr C^2), C the covariance of n units: the share of directions that
               carry the variance, the participation ratio over n; 1 where no two are correlated and
               all vary alike, 1/n where all are one

Units that never change are left out of both, a channel of a convolution is a unit that is seen at
every position. Of N independent values alike is sqrt(2 / (pi N)) in the mean, and not 0.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.nn.network import Network

ALIKE, EFFECTIVE = "units/alike", "units/effective"


def measure_units(
    network: Network, inputs: Tensor, context: Callable[[], AbstractContextManager[object]]
) -> list[dict[str, float]]:
    """Return of each replicate the two numbers, means over its hidden layers.

    inputs   (R, N, ...), which pass as they do at inference
    context  in which forward passes run (autocast)

    Nothing of a replicate in which no layer has two units that change, or one is not finite.
    """
    found: list[list[tuple[float, float] | None]] = [[] for _ in range(len(inputs))]

    def tap(_: int, pre: Tensor, post: Tensor) -> None:
        # Units last: (R, N, units, *positions).
        moved = post.float().movedim(2, -1).flatten(1, -2)
        for own, values in zip(found, moved, strict=True):
            own.append(likeness(values.cpu().double().numpy()))

    network.eval()
    with torch.no_grad(), context():
        network(inputs, tap)
    network.train()
    return [_mean([one for one in own if one is not None]) for own in found]


def likeness(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """Return how alike units (N, n) are and the share of effective ones, or None.

    None where fewer than two units change, or a value is not finite.
    """
    if not np.isfinite(values).all():
        return None
    centred = values - values.mean(axis=0)
    # By the first value and not by the deviation, which rounding lifts above 0.
    changing = (values != values[:1]).any(axis=0)
    covariance = centred[:, changing].T @ centred[:, changing] / len(values)
    n = len(covariance)
    if n < 2:
        return None
    deviation = np.sqrt(covariance.diagonal())
    correlation = np.abs(covariance / np.outer(deviation, deviation))
    alike = (correlation.sum() - correlation.trace()) / (n * (n - 1))
    effective = covariance.trace() ** 2 / (n * np.square(covariance).sum())
    return float(alike), float(effective)


def _mean(layers: list[tuple[float, float]]) -> dict[str, float]:
    if not layers:
        return {}
    alike, effective = np.mean(layers, axis=0)
    return {ALIKE: float(alike), EFFECTIVE: float(effective)}
