"""A data set in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ablate.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Data:
    """A data set in memory, as pairs (x, y) of tensors; what a user's own function returns.

    x is uint8 or float32, (N, C, H, W) or (N, D); y is int64 (N,), from 0 to classes - 1.
    `validation` is None where each replicate holds out its own part of `train`; `classes` 0
    stands for one more than the largest label. The tensors may be mapped files: read them, do
    not write to them.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor] | None
    test: tuple[Tensor, Tensor]
    classes: int = 0

    @cached_property
    def byte_counts(self) -> Tensor:
        """How often each value occurs in each channel of the uint8 training examples, (C, 256)."""
        return byte_counts(self.train[0])


def fixed_part(pair: tuple[Tensor, Tensor], size: int | None, stream: str) -> tuple[Tensor, Tensor]:
    """Return at most `size` examples in their order, the same for every seed; None keeps all.

    A larger part holds a smaller one of the same stream.
    """
    import torch

    x, y = pair
    if size is None or len(y) <= size:
        return pair
    order = Streams(seed=0, replicate=0).numpy("data", stream).permutation(len(y))
    chosen = torch.from_numpy(order[:size]).sort().values
    return x[chosen], y[chosen]


def byte_counts(x: Tensor) -> Tensor:
    """Return how often each of the 256 values occurs in each channel of x (N, C, ...), (C, 256)."""
    import torch

    return torch.stack([torch.bincount(c.flatten(), minlength=256) for c in x.unbind(1)])
