"""Whitening: inputs that all have variance 1 and of which no two are correlated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ablate.config.data import DataConfig
from ablate.data.sources import Description
from ablate.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

#: Examples whose products are summed at once: 50 MB of MNIST's.
_CHUNK = 8192
#: Whose matrix takes 800 MB while it is made.
_MOST_INPUTS = 10_000


def check_whitening(config: DataConfig, there: Description) -> None:
    """Raise ConfigError where inputs are to be whitened that cannot be."""
    if config.normalize != "whitened":
        return
    numbers = inputs_whitened(there.inputs)
    if there.vocabulary:
        raise ConfigError(
            f"data.normalize=whitened is not allowed with data={config.name}, whose examples are "
            "tokens and no numbers; allowed are true and false, which change nothing there."
        )
    if numbers > _MOST_INPUTS:
        raise ConfigError(
            f"data.normalize=whitened is not allowed with data={config.name}, whose examples have "
            f"{numbers} numbers: it takes a matrix of that many rows and columns, and at most "
            f"{_MOST_INPUTS} are allowed."
        )


def inputs_whitened(inputs: tuple[int, ...]) -> int:
    """Return how many numbers D an example has: D^2 multiply-adds whiten one."""
    import math

    return math.prod(inputs)


def whitening(
    x: Tensor, chosen: Tensor, scale: Tensor, shift: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return mean (D,) and matrix W (D, D), float64: (z - mean) W are whitened inputs.

    With the covariance U diag(l) U^T of the examples `chosen` (n,), W = U diag(1 / sqrt(l + eps))
    U^T: of all matrices that whiten the one that changes inputs least (ZCA, Bell & Sejnowski 1997;
    of features, which are scaled one by one before, it is ZCA-cor of Kessy, Lewin & Strimmer 2018).
    A pixel that never varies becomes 0 in all chosen examples, and in others at most 1 / sqrt(eps)
    times what it is. To make it takes n D^2 multiply-adds for the covariance and some D^3.

    x             all examples as they are stored, (N, *inputs)
    scale, shift  z = x * scale + shift are scaled inputs, (1, ...), broadcast over inputs
    """
    import torch

    scale, shift = scale.double(), shift.double()

    def scaled(rows: Tensor) -> Tensor:
        return (x[rows].double() * scale + shift).flatten(1)

    parts = chosen.split(_CHUNK)  # type: ignore[no-untyped-call]
    # Twice through the examples, so that not all of them lie in memory in double precision.
    features = math.prod(x.shape[1:])
    mean = x.new_zeros(features, dtype=torch.float64)
    for rows in parts:
        mean += scaled(rows).sum(dim=0) / len(chosen)
    covariance = x.new_zeros(features, features, dtype=torch.float64)
    for rows in parts:
        centred = scaled(rows) - mean
        covariance += centred.T @ centred / len(chosen)
    variances, directions = torch.linalg.eigh(covariance)
    # Rounding leaves variances of zero a little below it.
    roots = (variances.clamp(min=0) + eps).rsqrt()
    return mean, (directions * roots) @ directions.T
