"""Each replicate's own training and validation examples, its labels, and their statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ablate.config.data import DataConfig
from ablate.data.dataset import Data
from ablate.data.description import labelled_size, split_sizes
from ablate.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Split:
    """Indices into `Data.train`; int64 (n,), no two alike.

    train       what inputs are normalized by, and what is there without labels
    labelled    the first of them, all without `data.labelled`: what the task is trained on
    validation  None where the data set brings a validation set of its own
    """

    train: Tensor
    labelled: Tensor
    validation: Tensor | None


def split(data: Data, config: DataConfig, streams: Streams) -> Split:
    """Draw the training and validation examples of one replicate.

    One permutation of all training examples: the first `validation_size` validate, the next
    `train_size` train. A larger `train_size` therefore holds a smaller one, beside the same
    validation set, and of `labelled` the task sees the examples that it sees of a `train_size` of
    as many. It depends on seed and replicate alone: all members of an ensemble share
    it.

    Raises ConfigError where the sizes do not fit.
    """
    import torch

    examples = len(data.train[1])
    hold_out = data.validation is None
    train, validation = split_sizes(config, examples, hold_out)
    generator = replace(streams, member=0).numpy("split", "validation")
    order = torch.from_numpy(generator.permutation(examples))
    trained = order[validation : validation + train]
    return Split(
        train=trained,
        labelled=trained[: labelled_size(config, train)],
        validation=order[:validation] if hold_out else None,
    )


def training_labels(data: Data, config: DataConfig, streams: Streams) -> Tensor:
    """Return the labels of `data.train` as one replicate trains on them; int64 (N,).

    With `data.label_noise` p each is with probability p another class, all others equally likely:
    symmetric noise (Angluin & Laird 1988 for two classes). It is drawn once for every example of
    the data set, so that a larger p replaces what a smaller one does, by the same classes, and
    neither the sizes of the parts nor anything else of a run changes what becomes of an example.
    All members of an ensemble share it.
    """
    import torch

    _, y = data.train
    if config.label_noise == 0:
        return y
    generator = replace(streams, member=0).numpy("label_noise")
    is_replaced = torch.from_numpy(generator.random(len(y)) < config.label_noise)
    others = torch.from_numpy(generator.integers(1, data.classes, len(y)))
    return torch.where(is_replaced, (y + others) % data.classes, y)


def split_statistics(data: Data, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the statistics of the examples `chosen` (n,) of `data.train`.

    As `channel_statistics` of them, to the last bit. Sums of each image are kept, so that another
    replicate costs next to nothing.
    """
    import torch

    x, _ = data.train
    if x.dtype != torch.uint8 or x.ndim != 4:
        return channel_statistics(x[chosen])
    pixels = len(chosen) * x[0, 0].numel()
    sums = data.pixel_sums[chosen].sum(dim=0).tolist()
    return _shaped([_of_bytes(total, squares, pixels) for total, squares in sums], x)


def channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation per channel, float32 (C, 1, 1), or per feature (D,).

    x is (N, C, H, W) or (N, D). For uint8 they are in units of x / 255 and exact: taken from
    whole numbers, so that the order of the examples cannot matter. The standard
    deviation divides by the number of values; where it is 0 it is given as 1, so that a
    constant channel becomes 0 and not NaN.
    """
    import torch

    channels = (channel.double() for channel in x.unbind(1))
    if x.dtype == torch.uint8:
        sums = [(int(c.sum()), int(c.square().sum()), c.numel()) for c in channels]
        return _shaped([_of_bytes(*own) for own in sums], x)
    return _shaped([(float(c.mean()), float(c.var(correction=0))) for c in channels], x)


def _of_bytes(total: int, squares: int, count: int) -> tuple[float, float]:
    """Return mean and variance of x / 255: quotients of whole numbers, rounded once."""
    return total / (255 * count), (count * squares - total**2) / (255 * count) ** 2


def _shaped(moments: list[tuple[float, float]], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation from means and variances of the channels of x."""
    import torch

    mean, variance = torch.tensor(moments, dtype=torch.float64).T
    std = variance.sqrt()
    std[std == 0] = 1
    mean, std = (v.to(x.device, torch.float32).view(-1, *[1] * (x.ndim - 2)) for v in (mean, std))
    return mean, std
