"""Resident data and the way from indices to normalized batches.

A data set lies in memory once, as it was decoded, and serves all replicates. A batch is
gathered per replicate into buffers that are allocated once: on a CPU one `index_select`
per replicate takes a third of the time of one advanced index over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

#: Changes images (R, B, *inputs) in units of the full range, [0, 1] where bytes are stored.
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Scaling:
    """x * scale + shift turns stored values into inputs; float32 (R, 1, ...) each.

    unit  x * unit are the stored values in units of the full range: 1/255 for bytes, else 1
    """

    scale: Tensor
    shift: Tensor
    unit: float


@dataclass(frozen=True, eq=False)
class Examples:
    """A data set on the device with room for one batch of each replicate.

    x        stored values, uint8 or float32 (N, D)
    y        labels, int64 (N,)
    inputs   shape of one example; its product is D
    scaling  per replicate
    stored   room for a batch as stored, (R * batch_size * D,)
    scaled   room for a batch as the network takes it, float32 (R * batch_size * D,)
    """

    x: Tensor
    y: Tensor
    inputs: tuple[int, ...]
    scaling: Scaling
    stored: Tensor
    scaled: Tensor

    def batch(self, indices: Tensor, change: Change | None = None) -> tuple[Tensor, Tensor]:
        """Return inputs (R, B, *inputs) and labels (R, B) of `indices` (R, B).

        `change` is made before the inputs are scaled. They are overwritten by the next call.
        """
        replicates, size = indices.shape
        features = self.x.shape[1]
        stored = self.stored[: indices.numel() * features].view(replicates, size, features)
        for row, rows in zip(indices, stored, strict=True):
            torch.index_select(self.x, 0, row, out=rows)
        scaled = self.scaled[: indices.numel() * features]
        scaled = scaled.view(replicates, size, *self.inputs)
        scaled.copy_(stored.view_as(scaled))
        labels = self.y.index_select(0, indices.reshape(-1)).view(replicates, size)
        scale, shift = self.scaling.scale, self.scaling.shift
        if change is not None:
            changed = change(scaled.mul_(self.scaling.unit))
            return changed.mul(scale / self.scaling.unit).add_(shift), labels
        # Two passes, each rounded once: a fused one (addcmul) took five times as long and
        # rounds differently where it does not fill a vector.
        return scaled.mul_(scale).add_(shift), labels


def examples(
    x: Tensor, y: Tensor, scaling: Scaling, batch_size: int, device: torch.device
) -> Examples:
    """Put x (N, *inputs) and y (N,) on `device`, with room for batches up to `batch_size`."""
    flat = x.to(device).reshape(len(x), -1)
    room = scaling.scale.shape[0] * batch_size * flat.shape[1]
    return Examples(
        x=flat,
        y=y.to(device),
        inputs=tuple(x.shape[1:]),
        scaling=scaling,
        stored=torch.empty(room, dtype=x.dtype, device=device),
        scaled=torch.empty(room, device=device),
    )


def scaling(
    dtype: torch.dtype,
    inputs: tuple[int, ...],
    statistics: Sequence[tuple[Tensor, Tensor]] | None,
    replicates: int,
    device: torch.device,
) -> Scaling:
    """Return how stored values of `dtype` become inputs.

    statistics  mean and standard deviation per replicate, each broadcast over `inputs`, in
                units of x / 255 for uint8; None: uint8 is only divided by 255, float stays
    """
    unit = 1 / 255 if dtype == torch.uint8 else 1.0
    if statistics is None:
        shape = (replicates, 1, *[1] * len(inputs))
        scale = torch.full(shape, unit, device=device)
        return Scaling(scale, torch.zeros(shape, device=device), unit)
    mean = torch.stack([pair[0] for pair in statistics]).unsqueeze(1).to(device)
    std = torch.stack([pair[1] for pair in statistics]).unsqueeze(1).to(device)
    return Scaling(unit / std, -mean / std, unit)
