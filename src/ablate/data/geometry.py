"""Warping a batch of images by one sampling grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ablate.config.augment import Augment


@dataclass(frozen=True, eq=False)
class Warp:
    """How each image (R, B) is changed; zeros leave it as it is.

    rotation  degrees, counter-clockwise as seen
    across    shift to the right, down: downwards, in shares of the side
    zoom      the picture grows by the factor 1 + zoom
    shear     degrees by which vertical lines lean
    lens      r -> r (1 + lens * r^2), r = 1 half-way along the shorter side
    """

    rotation: Tensor
    across: Tensor
    down: Tensor
    zoom: Tensor
    shear: Tensor
    lens: Tensor


def is_warped(config: Augment) -> bool:
    """Tell whether any setting needs a warp."""
    return any((config.rotation, config.translate, config.zoom, config.shear, config.lens))


def warp(images: Tensor, by: Warp) -> Tensor:
    """Return images (R, B, C, H, W) warped about their centre, bilinear, zeros outside."""
    height, width = images.shape[-2:]
    flat = images.flatten(0, 1)
    # Where each pixel of the result comes from, in units of half the shorter side: the inverse
    # of the change, applied back to front.
    short = min(height, width)
    y, x = torch.meshgrid(_centres(height, short), _centres(width, short), indexing="ij")
    x, y = x.to(images.device), y.to(images.device)

    def each(value: Tensor) -> Tensor:
        return value.reshape(-1, 1, 1)

    x = x - each(by.across) * (2 * width / short)
    y = y - each(by.down) * (2 * height / short)
    angle = each(by.rotation) * (math.pi / 180)
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = cos * x - sin * y, sin * x + cos * y
    x, y = x / (1 + each(by.zoom)), y / (1 + each(by.zoom))
    x = x + torch.tan(each(by.shear) * (math.pi / 180)) * y
    stretch = 1 + each(by.lens) * (x * x + y * y)
    # grid_sample counts from -1 to 1 along each side.
    grid = torch.stack([x * stretch * (short / width), y * stretch * (short / height)], dim=-1)
    moved = functional.grid_sample(
        flat, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return moved.view_as(images)


def _centres(side: int, short: int) -> Tensor:
    """Return the centres of pixels along a side, in units of half the shorter side."""
    return (2 * torch.arange(side, dtype=torch.float32) + 1 - side) / short
