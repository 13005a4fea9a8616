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

    x is uint8 or float32, (N, C, H, W) or (N, D), or tokens, int64 (N, T) from 0 to vocabulary - 1;
    `vocabulary` 0 stands for one more than the largest token. What y is depends on the task:

    classification   int64 (N,), from 0 to classes - 1; `classes` 0 stands for one more than the
                     largest label
    regression       float32 (N,) or (N, K), in whatever units
    multilabel       0 or 1 for each label, float32, uint8 or bool (N, L)
    next_token       int64 (N, T): what follows each token of x; -100 where that does not count
    own              any, for a task of the user's own: `task: {_target_: ...}`

    `validation` is None where each replicate holds out its own part of `train`. The tensors may be
    mapped files: read them, do not write to them.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor] | None
    test: tuple[Tensor, Tensor]
    classes: int = 0
    task: str = "classification"
    vocabulary: int = 0

    @cached_property
    def pixel_sums(self) -> Tensor:
        """The sum of values and that of squares in each channel of each training image (N, C, 2).

        int64, and so exact, of images (N, C, H, W) in bytes.
        """
        import torch

        sums = []
        for images in self.train[0].split(1000):  # type: ignore[no-untyped-call]
            values = images.flatten(2).double()  # exact: of an image at most 2^53 / 255^2 pixels
            sums.append(torch.stack([values.sum(dim=2), values.square_().sum(dim=2)], dim=2))
        return torch.cat(sums).long()


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
