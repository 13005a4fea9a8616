"""The views of an image that are averaged at test time: shifts and mirror images."""

from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from ablate.config.augment import Augment
from ablate.data.geometry import pixels


def view_count(config: Augment) -> int:
    """Return how many views there are of each image."""
    return config.test_crops * (2 if config.test_flip else 1)


def views(config: Augment, images: Tensor, fill: Tensor) -> Iterator[Tensor]:
    """Yield the views of images (R, B, C, H, W), the image as it is first.

    fill  what comes in at the border, broadcastable to the images (the value of a black pixel)
    """
    for down, across in offsets(config.test_crops, config.test_shift):
        view = shifted(images, down, across, fill)
        yield view
        if config.test_flip:
            yield view.flip(-1)


def offsets(crops: int, shift: int) -> list[tuple[int, int]]:
    """Return the shifts in pixels, none first: a square grid, or centre and corners for 5."""
    if crops == 5:
        return [(0, 0), *product((-shift, shift), (-shift, shift))]
    side = round(crops**0.5)
    steps = [0] if side == 1 else [round(-shift + 2 * shift * i / (side - 1)) for i in range(side)]
    return [(0, 0), *(place for place in product(steps, steps) if place != (0, 0))]


def shifted(images: Tensor, down: int, across: int, fill: Tensor) -> Tensor:
    """Return images moved by whole pixels, `fill` coming in behind them."""
    if not down and not across:
        return images
    moved = torch.roll(images, (down, across), dims=(-2, -1))
    height, width = images.shape[-2:]
    rows, columns = pixels(images)
    inside = (rows >= down) & (rows < height + down)
    inside = inside & (columns >= across) & (columns < width + across)
    return torch.where(inside, moved, fill)
