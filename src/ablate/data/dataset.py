"""A data set in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ablate.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Other:
    """A further target of the same examples, which `heads=others` predicts beside the first.

    task     `classification`, `regression` or `multilabel`; targets are as `Data` has them
    train    of each training example, (N, ...)
    test     of each test example, likewise
    classes  as of `Data`
    """

    task: str
    train: Tensor
    test: Tensor
    classes: int = 0


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
    mapped files: read them, do not write to them. `others` are further targets by name, which are
    scored on the test set.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor] | None
    test: tuple[Tensor, Tensor]
    classes: int = 0
    task: str = "classification"
    vocabulary: int = 0
    others: Mapping[str, Other] = field(default_factory=dict)

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
    x, y = pair
    chosen = _fixed_rows(len(y), size, stream)
    return pair if chosen is None else (x[chosen], y[chosen])


def at_most(
    data: Data, size: int | None, stream: str, parts: Sequence[str] = ("train", "test")
) -> Data:
    """Return the data with at most `size` examples of each of `parts`, other targets with them."""
    for part in parts:
        x, y = getattr(data, part)
        chosen = _fixed_rows(len(y), size, stream)
        if chosen is None:
            continue
        others = {
            name: replace(other, **{part: getattr(other, part)[chosen]})
            for name, other in data.others.items()
        }
        changed: dict[str, Any] = {part: (x[chosen], y[chosen])}
        data = replace(data, others=others, **changed)
    return data


def _fixed_rows(examples: int, size: int | None, stream: str) -> Tensor | None:
    """Return which of so many examples are kept, in their order; None where all are."""
    import torch

    if size is None or examples <= size:
        return None
    order = Streams(seed=0, replicate=0).numpy("data", stream).permutation(examples)
    return torch.from_numpy(order[:size]).sort().values
