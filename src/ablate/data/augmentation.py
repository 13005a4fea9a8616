"""Augmentation of whole batches: pure functions of images, settings and random streams.

Random numbers of replicate r come from its stream `augment`, from a fresh generator per
operation and step. So an operation draws the same numbers whether or not another is on, and
nothing depends on what was drawn before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ablate.config.augment import Augment
from ablate.config.target import Target
from ablate.data.geometry import pixels, warp
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

    Arguments as of `augment`; the user's own takes one network at a time.
    """
    if isinstance(config, Target):
        change = build_user_augment(config, streams[0])
        return lambda images, indices, epoch, step: change(images, step)
    return partial(augment, config, streams, examples, bounded) if config.changes_training else None


def augment(
    config: Augment,
    streams: Sequence[Streams],
    examples: int,
    bounded: bool,
    images: Tensor,
    indices: Tensor,
    epoch: int,
    step: int,
) -> Tensor:
    """Return changed images of the same shape; what is off changes nothing.

    streams   of each replicate
    examples  size of the data set
    bounded   values are kept in [0, 1], as those of stored bytes are
    images    float32 (R, B, C, H, W) in units of the full range, or features (R, B, D), which
              can take noise only
    indices   of the examples in the data set, (R, B)

    Geometry first (one sampling for all of rotation, translation, zoom, shear and lens), then
    flip, crop, contrast, brightness, noise and cutout.
    """
    draw = _Draws(streams, step, images)
    if any((config.rotation, config.translate, config.zoom, config.shear, config.lens)):
        images = _warped(images, config, draw)
    if config.flip == "random":
        images = _flipped(images, draw.uniform("flip") < 0)
    elif config.flip == "alternating":
        images = _flipped(images, _alternating(indices, streams, epoch, examples))
    if config.crop:
        images = _cropped(images, config.crop, draw)
    if config.contrast:
        mean = _over(images.flatten(2).mean(dim=2))
        images = mean + (images - mean) * _over(1 + config.contrast * draw.uniform("contrast"))
    if config.brightness:
        images = images + _over(config.brightness * draw.uniform("brightness"))
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
    streams, size = [Streams(seed, 0)], len(images)
    changed = augment(config, streams, size, True, images[None], torch.arange(size)[None], 0, 0)
    mix = mixup(config, streams, 0, size)
    return (changed if mix is None else mixed(changed, mix))[0]


class _Draws:
    """The random numbers of one step, by operation; (R, B) each unless said otherwise."""

    def __init__(self, streams: Sequence[Streams], step: int, images: Tensor) -> None:
        self.streams, self.step, self.images = streams, step, images

    def uniform(self, operation: str) -> Tensor:
        """Return U(-1, 1)."""
        size = self.images.shape[1]
        return self._drawn(operation, lambda g: g.random(size, dtype=np.float32)) * 2 - 1

    def integers(self, operation: str, high: int) -> Tensor:
        """Return whole numbers from 0 to `high`, both included, (R, 2, B)."""
        size = (2, self.images.shape[1])
        return self._drawn(operation, lambda g: g.integers(0, high, size, endpoint=True))

    def noise(self) -> Tensor:
        """Return N(0, 1) in the images' shape."""
        shape = self.images.shape[1:]
        return self._drawn("noise", lambda g: g.standard_normal(shape, dtype=np.float32))

    def _drawn(self, operation: str, draw: Callable[[np.random.Generator], np.ndarray]) -> Tensor:
        """Return what `draw` gives for each replicate, one above the other."""
        name = f"{operation}/{self.step}"
        rows = [draw(stream.numpy("augment", name)) for stream in self.streams]
        return torch.from_numpy(np.stack(rows)).to(self.images.device)


def _warped(images: Tensor, config: Augment, draw: _Draws) -> Tensor:
    sizes = {
        "rotation": config.rotation,
        "translate across": config.translate,
        "translate down": config.translate,
        "zoom": config.zoom,
        "shear": config.shear,
        "lens": config.lens,
    }
    zero = torch.zeros(images.shape[:2], device=images.device)
    by = [size * draw.uniform(name) if size else zero for name, size in sizes.items()]
    return warp(images, torch.stack(by))


def _over(value: Tensor) -> Tensor:
    """Return (R, B) so that it broadcasts over images (R, B, C, H, W)."""
    return value[:, :, None, None, None]


def _flipped(images: Tensor, mask: Tensor) -> Tensor:
    return torch.where(_over(mask), images.flip(-1), images)


def _alternating(indices: Tensor, streams: Sequence[Streams], epoch: int, examples: int) -> Tensor:
    """Return who is flipped (R, B): a random half, and the other half in the next epoch."""
    halves = [s.numpy("augment", "alternating_flip").random(examples) < 0.5 for s in streams]
    first = torch.from_numpy(np.stack(halves)).to(indices.device).gather(1, indices)
    return first ^ bool(epoch % 2)


def _cropped(images: Tensor, width: int, draw: _Draws) -> Tensor:
    """Cut the old size out of images padded with zeros, at a random place."""
    rows, columns = pixels(images)
    padded = functional.pad(images, [width] * 4)
    down, across = draw.integers("crop", 2 * width).unbind(1)
    tall = padded.gather(3, (_over(down) + rows).expand(*images.shape[:4], padded.shape[-1]))
    return tall.gather(4, (_over(across) + columns).expand(images.shape))


def _cut_out(images: Tensor, side: int, draw: _Draws) -> Tensor:
    """Set a square to zero whose centre lies anywhere, so that it may hang over the border."""
    rows, columns = pixels(images)
    top, left = (
        _over(((draw.uniform(f"cutout {way}") + 1) / 2 * size).floor() - side // 2)
        for way, size in zip(("down", "across"), images.shape[-2:], strict=True)
    )
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return images.masked_fill(inside, 0.0)
