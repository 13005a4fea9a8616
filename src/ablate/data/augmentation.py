"""Augmentation of whole batches: pure functions of images, settings and random streams.

Random numbers of replicate r come from its stream `augment`, from a fresh generator per
operation and step. So an operation draws the same numbers whether or not another is on, and
nothing depends on what was drawn before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ablate.config.augment import Augment
from ablate.config.target import Target
from ablate.data.geometry import Warp, is_warped, warp
from ablate.data.user_augment import build_user_augment
from ablate.streams import Streams

#: From images (R, B, ...), the indices (R, B) of the examples, epoch and step to changed images.
Change = Callable[[Tensor, Tensor, int, int], Tensor]


@dataclass(frozen=True, eq=False)
class Mix:
    """How examples of a batch are mixed: share * own + (1 - share) * partner's.

    partner  positions within the batch, int64 (R, B)
    share    float32 (R,)
    """

    partner: Tensor
    share: Tensor


def build_change(
    config: Augment | Target, streams: Sequence[Streams], examples: int, bounded: bool
) -> Change | None:
    """Return what changes training images, whoever wrote it; None where nothing does.

    streams   of each replicate; the user's own takes one network at a time
    examples  size of the data set
    bounded   values are kept in [0, 1], as those of stored bytes are
    """
    if isinstance(config, Target):
        change = build_user_augment(config)
        return lambda images, indices, epoch, step: change(
            images, streams[0].torch("augment", step, str(images.device))
        )
    if not config.changes_training:
        return None
    return lambda images, indices, epoch, step: augment(
        config, images, indices, streams, epoch, step, examples, bounded
    )


def augment(
    config: Augment,
    images: Tensor,
    indices: Tensor,
    streams: Sequence[Streams],
    epoch: int,
    step: int,
    examples: int,
    bounded: bool,
) -> Tensor:
    """Return changed images of the same shape; what is off changes nothing.

    images    float32 (R, B, C, H, W) in units of the full range, or features (R, B, D), which
              can take noise only
    indices   of the examples in the data set, (R, B)
    streams   of each replicate
    examples  size of the data set
    bounded   values are kept in [0, 1], as those of stored bytes are

    Geometry first (one sampling for all of rotation, translation, zoom, shear and lens), then
    flip, crop, contrast, brightness, noise and cutout.
    """
    draw = _Draws(streams, step, images)
    if images.dim() == 3:
        changed = images + config.noise * draw.noise() if config.noise else images
        return changed.clamp(0, 1) if bounded else changed
    if is_warped(config):
        images = warp(images, _warp(config, draw))
    if config.flip == "random":
        images = _flipped(images, draw.uniform("flip") < 0)
    elif config.flip == "alternating":
        images = _flipped(images, _alternating(indices, streams, epoch, examples))
    if config.crop:
        images = _cropped(images, config.crop, draw)
    if config.contrast:
        factor = 1 + config.contrast * draw.uniform("contrast")
        mean = images.flatten(2).mean(dim=2)
        images = _over(mean, images) + (images - _over(mean, images)) * _over(factor, images)
    if config.brightness:
        images = images + _over(config.brightness * draw.uniform("brightness"), images)
    if config.noise:
        images = images + config.noise * draw.noise()
    if bounded:
        images = images.clamp(0, 1)
    if config.cutout:
        images = _cut_out(images, config.cutout, draw)
    return images


def mixup(config: Augment, streams: Sequence[Streams], step: int, batch: int) -> Mix | None:
    """Return how a batch is mixed (Zhang et al. 2018), or None; one share per replicate."""
    if not config.mixup:
        return None
    generators = [stream.numpy("augment", f"mixup/{step}") for stream in streams]
    shares = [generator.beta(config.mixup, config.mixup) for generator in generators]
    partners = np.stack([generator.permutation(batch) for generator in generators])
    return Mix(torch.from_numpy(partners), torch.tensor(shares, dtype=torch.float32))


def mixed(x: Tensor, mix: Mix) -> Tensor:
    """Return inputs (R, B, ...) mixed with their partners."""
    partners = torch.stack([own[p] for own, p in zip(x, mix.partner, strict=True)])
    share = mix.share.view(-1, *[1] * (x.dim() - 1))
    return share * x + (1 - share) * partners


def samples(images: Tensor, config: Augment, seed: int) -> Tensor:
    """Return N images (N, C, H, W) in [0, 1] as one step of training might see them."""
    streams, batch = [Streams(seed, 0)], images.unsqueeze(0)
    indices = torch.arange(len(images)).unsqueeze(0)
    size = len(images)
    changed = augment(config, batch, indices, streams, 0, 0, examples=size, bounded=True)
    mix = mixup(config, streams, 0, size)
    return (changed if mix is None else mixed(changed, mix))[0]


class _Draws:
    """The random numbers of one step, by operation; (R, B) each unless said otherwise."""

    def __init__(self, streams: Sequence[Streams], step: int, images: Tensor) -> None:
        self.streams, self.step, self.images = streams, step, images

    def uniform(self, operation: str) -> Tensor:
        """Return U(-1, 1)."""
        size = self.images.shape[1]
        rows = [g.random(size, dtype=np.float32) for g in self._generators(operation)]
        return torch.from_numpy(np.stack(rows)).to(self.images.device) * 2 - 1

    def integers(self, operation: str, high: int) -> Tensor:
        """Return whole numbers from 0 to `high`, both included, (2, R, B)."""
        size = (2, self.images.shape[1])
        rows = [g.integers(0, high, size, endpoint=True) for g in self._generators(operation)]
        return torch.from_numpy(np.stack(rows, axis=1)).to(self.images.device)

    def noise(self) -> Tensor:
        """Return N(0, 1) in the images' shape."""
        shape = tuple(self.images.shape[1:])
        rows = [g.standard_normal(shape, dtype=np.float32) for g in self._generators("noise")]
        return torch.from_numpy(np.stack(rows)).to(self.images.device)

    def _generators(self, operation: str) -> list[np.random.Generator]:
        return [stream.numpy("augment", f"{operation}/{self.step}") for stream in self.streams]


def _warp(config: Augment, draw: _Draws) -> Warp:
    zero = torch.zeros(draw.images.shape[:2], device=draw.images.device)

    def number(name: str, operation: str | None = None) -> Tensor:
        size: float = getattr(config, name)
        return size * draw.uniform(operation or name) if size else zero

    return Warp(
        rotation=number("rotation"),
        across=number("translate", "translate across"),
        down=number("translate", "translate down"),
        zoom=number("zoom"),
        shear=number("shear"),
        lens=number("lens"),
    )


def _over(value: Tensor, images: Tensor) -> Tensor:
    """Return (R, B) so that it broadcasts over images (R, B, C, H, W)."""
    return value.view(*images.shape[:2], 1, 1, 1)


def _flipped(images: Tensor, mask: Tensor) -> Tensor:
    return torch.where(_over(mask, images), images.flip(-1), images)


def _alternating(indices: Tensor, streams: Sequence[Streams], epoch: int, examples: int) -> Tensor:
    """Return who is flipped (R, B): a random half, and the other half in the next epoch."""
    masks = [
        torch.from_numpy(s.numpy("augment", "alternating_flip").random(examples) < 0.5)
        for s in streams
    ]
    first = torch.stack([m.to(i.device)[i] for m, i in zip(masks, indices, strict=True)])
    return first ^ bool(epoch % 2)


def _cropped(images: Tensor, width: int, draw: _Draws) -> Tensor:
    """Cut the old size out of images padded with zeros, at a random place."""
    height, breadth = images.shape[-2:]
    padded = functional.pad(images, [width] * 4)
    down, across = draw.integers("crop", 2 * width)
    rows = down.unsqueeze(-1) + torch.arange(height, device=images.device)
    columns = across.unsqueeze(-1) + torch.arange(breadth, device=images.device)
    rows = rows.view(*rows.shape[:2], 1, height, 1)
    columns = columns.view(*columns.shape[:2], 1, 1, breadth)
    tall = padded.gather(3, rows.expand(*images.shape[:4], padded.shape[-1]))
    return tall.gather(4, columns.expand(images.shape))


def _cut_out(images: Tensor, side: int, draw: _Draws) -> Tensor:
    """Set a square to zero whose centre lies anywhere, so that it may hang over the border."""
    height, breadth = images.shape[-2:]
    down, across = draw.uniform("cutout down"), draw.uniform("cutout across")
    top = ((down + 1) / 2 * height).floor() - side // 2
    left = ((across + 1) / 2 * breadth).floor() - side // 2
    rows = torch.arange(height, device=images.device) - top.unsqueeze(-1)
    columns = torch.arange(breadth, device=images.device) - left.unsqueeze(-1)
    inside_rows = ((rows >= 0) & (rows < side)).view(*images.shape[:2], 1, height, 1)
    inside_columns = ((columns >= 0) & (columns < side)).view(*images.shape[:2], 1, 1, breadth)
    return images.masked_fill(inside_rows & inside_columns, 0.0)
