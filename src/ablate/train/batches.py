"""Resident data and the way from indices to normalized batches.

A data set lies in memory once, as it was decoded, and serves all replicates. A batch is
gathered per replicate into buffers that are allocated once: on a CPU one `index_select`
per replicate takes a third of the time of one advanced index over all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ablate.data.whitening import whitening

#: Changes images (R, B, *inputs) in units of the full range, [0, 1] where bytes are stored.
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Scaling:
    """x * scale + shift turns stored values into inputs; float32 (R, 1, ...) each.

    unit      x * unit are the stored values in units of the full range: 1/255 for bytes, else 1
    whitener  (R, D, D): what these are multiplied by then; None where inputs are not whitened
    """

    scale: Tensor
    shift: Tensor
    unit: float
    whitener: Tensor | None = None

    @property
    def multiply_adds(self) -> int:
        """What it takes to whiten one example; scaling counts as nothing."""
        return 0 if self.whitener is None else self.whitener[0].numel()

    def whitened(self, inputs: Tensor) -> Tensor:
        """Return scaled inputs (R, B, *inputs) as the network takes them, in their own shape."""
        if self.whitener is None:
            return inputs
        result = torch.empty_like(inputs, memory_format=torch.contiguous_format)
        # A product per replicate, which has the same bits in any stack. What is written to `out`
        # is left alone by autocast: inputs stay in single precision.
        for own, matrix, out in zip(inputs, self.whitener, result, strict=True):
            torch.mm(own.flatten(1), matrix, out=out.view(len(out), -1))
        return result


@dataclass(frozen=True, eq=False)
class Examples:
    """A data set on the device with room for one batch of each replicate.

    x        stored values, uint8 or float32 (N, D), or tokens, int64, which no scaling changes
    y        targets (N, ...), or (R, N, ...) where each replicate has its own
    inputs   shape of one example; its product is D
    scaling  per replicate
    stored   room for a batch as stored, (R * batch_size * D,)
    scaled   room for a batch as the network takes it, float32 (R * batch_size * D,)
    has_own  whether each replicate has targets of its own
    """

    x: Tensor
    y: Tensor
    inputs: tuple[int, ...]
    scaling: Scaling
    stored: Tensor
    scaled: Tensor
    has_own: bool = False

    def targets(self, indices: Tensor) -> Tensor:
        """Return the targets (R, B, ...) of `indices` (R, B)."""
        if self.has_own:
            return chosen(self.y, indices)
        rows = self.y.index_select(0, indices.reshape(-1))
        return rows.view(*indices.shape, *self.y.shape[1:])

    def batch(self, indices: Tensor, change: Change | None = None) -> tuple[Tensor, Tensor]:
        """Return inputs (R, B, *inputs) and targets (R, B, ...) of `indices` (R, B).

        `change` is made before the inputs are scaled. They are overwritten by the next call.
        """
        features = self.x.shape[1]
        room = indices.numel() * features
        stored = self.stored[:room].view(*indices.shape, features)
        for row, rows in zip(indices, stored, strict=True):
            torch.index_select(self.x, 0, row, out=rows)
        if self.x.dtype == torch.int64:
            return stored, self.targets(indices)
        scaled = self.scaled[:room].view(*indices.shape, *self.inputs)
        scaled.copy_(stored.view_as(scaled))
        targets = self.targets(indices)
        scale, shift = self.scaling.scale, self.scaling.shift
        if change is not None:
            changed = change(scaled.mul_(self.scaling.unit))
            scaled = changed.mul(scale / self.scaling.unit).add_(shift)
            return self.scaling.whitened(scaled), targets
        # Two passes, each rounded once: a fused one (addcmul) took five times as long and
        # rounds differently where it does not fill a vector.
        return self.scaling.whitened(scaled.mul_(scale).add_(shift)), targets


def chosen(rows: Tensor, indices: Tensor) -> Tensor:
    """Return what of each replicate's rows (R, N, ...) its `indices` (R, B) name: (R, B, ...)."""
    places = indices.view(*indices.shape, *[1] * (rows.ndim - 2))
    return rows.gather(1, places.expand(*indices.shape, *rows.shape[2:]))


def examples(x: Tensor, y: Tensor, scaling: Scaling, batch_size: int) -> Examples:
    """Put x (N, *inputs) and y (N, ...) where `scaling` is, with room for a batch of each."""
    device = scaling.scale.device
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
    x: Tensor,
    statistics: Sequence[tuple[Tensor, Tensor]] | None,
    replicates: int,
    device: torch.device,
) -> Scaling:
    """Return how stored values x (N, *inputs) become inputs.

    statistics  mean and standard deviation per replicate, each broadcast over `inputs`, in
                units of x / 255 for uint8; None: uint8 is only divided by 255, float stays
    """
    unit = 1 / 255 if x.dtype == torch.uint8 else 1.0
    if statistics is None:
        scale = torch.full((replicates, *[1] * x.dim()), unit, device=device)
        return Scaling(scale, torch.zeros_like(scale), unit)
    mean, std = (
        torch.stack(part).unsqueeze(1).to(device) for part in zip(*statistics, strict=True)
    )
    return Scaling(unit / std, -mean / std, unit)


def whitened(rule: Scaling, x: Tensor, chosen: Sequence[Tensor], eps: float) -> Scaling:
    """Return `rule` with what whitens stored values x (N, *inputs) that it has scaled.

    chosen  per replicate, of which examples the covariance is taken, int64 (n,)
    """
    found = [
        whitening(x, own, scale.to(x.device), shift.to(x.device), eps)
        for own, scale, shift in zip(chosen, rule.scale, rule.shift, strict=True)
    ]
    means, matrices = (torch.stack(part).to(rule.scale.device) for part in zip(*found, strict=True))
    shift = rule.shift.double() - means.view(-1, 1, *x.shape[1:])
    return replace(rule, shift=shift.float(), whitener=matrices.float())
