"""Warping a batch of images by one sampling grid."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def pixels(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows (H, 1) and columns (W,) of images (..., H, W), counted from 0."""
    rows, columns = (torch.arange(side, device=images.device) for side in images.shape[-2:])
    return rows.unsqueeze(-1), columns


def warp(images: Tensor, by: Tensor) -> Tensor:
    """Return images (R, B, C, H, W) warped about their centre, bilinear, zeros outside.

    by  (6, R, B), how each image is changed; zeros leave it as it is:

    rotation      degrees, counter-clockwise as seen
    across, down  shifts to the right and downwards, in shares of the side
    zoom          the picture grows by the factor 1 + zoom
    shear         degrees by which vertical lines lean
    lens          r -> r (1 + lens * r^2), r = 1 half-way along the shorter side
    """
    rotation, across, down, zoom, shear, lens = by.reshape(6, -1, 1, 1)
    height, width = images.shape[-2:]
    short = min(height, width)
    # Where each pixel of the result comes from, in units of half the shorter side: the inverse
    # of the change, applied back to front.
    rows, columns = pixels(images)
    y, x = (2.0 * rows + 1 - height) / short, (2.0 * columns + 1 - width) / short
    x = x - across * (2 * width / short)
    y = y - down * (2 * height / short)
    angle = rotation * (math.pi / 180)
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = (cos * x - sin * y) / (1 + zoom), (sin * x + cos * y) / (1 + zoom)
    x = x + torch.tan(shear * (math.pi / 180)) * y
    stretch = 1 + lens * (x * x + y * y)
    # grid_sample counts from -1 to 1 along each side.
    grid = torch.stack([x * stretch * (short / width), y * stretch * (short / height)], dim=-1)
    moved = functional.grid_sample(
        images.flatten(0, 1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return moved.view_as(images)
