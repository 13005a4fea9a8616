"""A data set in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
