"""The networks that are measured: as configs of this project and as plain torch modules."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

BATCH = 128
CLASSES = 10
#: Examples, rows of a weight and columns of it: one linear map as a matrix product.
Product = tuple[int, int, int]


@dataclass(frozen=True)
class Net:
    """One architecture.

    title     as the tables call it
    dataset   `mnist` or `cifar10`
    model     the options of `model` that make it here
    hidden    widths of a fully connected network, channels of a convolutional one
    norm      batch normalization in front of each activation
    images    convolutional: 3x3 kernels, each followed by a 2x2 pooling
    """

    name: str
    title: str
    dataset: str
    model: dict[str, Any]
    hidden: tuple[int, ...]
    norm: bool = False
    images: bool = False

    @property
    def inputs(self) -> tuple[int, int, int]:
        """Shape of an example."""
        return (1, 28, 28) if self.dataset == "mnist" else (3, 32, 32)

    def module(self) -> nn.Sequential:
        """Return it in plain torch, with torch's own initialization."""
        return _convolutional(self) if self.images else _fully_connected(self)

    def products(self) -> list[Product]:
        """Return the matrix products of one forward pass of a batch."""
        if not self.images:
            widths = (math.prod(self.inputs), *self.hidden, CLASSES)
            return [(BATCH, inputs, outputs) for inputs, outputs in itertools.pairwise(widths)]
        channels, side, _ = self.inputs
        found = []
        for maps in self.hidden:
            found.append((BATCH * side**2, 9 * channels, maps))
            channels, side = maps, side // 2
        return [*found, (BATCH, channels * side**2, CLASSES)]


THIN = Net(
    "thin", "784-64-128-64-10, batch norm", "mnist",
    {"name": "mlp", "depth": None, "width": [64, 128, 64], "norm": "batch"},
    (64, 128, 64), norm=True,
)  # fmt: skip
WIDE = Net("wide", "784-256-256-10", "mnist", {"name": "mlp", "depth": 2, "width": 256}, (256, 256))
DEEP = Net(
    "deep", "784-(10 × 100)-10", "mnist", {"name": "mlp", "depth": 10, "width": 100}, (100,) * 10
)
CNN = Net(
    "cnn", "CIFAR-10 cnn 32-64-128, batch norm", "cifar10",
    {"name": "cnn", "channels": [32, 64, 128], "norm": "batch"},
    (32, 64, 128), norm=True, images=True,
)  # fmt: skip
NETS = {net.name: net for net in (THIN, WIDE, DEEP, CNN)}


def flop(products: Sequence[Product]) -> int:
    """Return floating-point operations of one training step of one network.

    A multiply-add is two. Forward pass, weight gradient, and input gradient of all layers but
    the first.
    """
    sizes = [math.prod(product) for product in products]
    return 2 * (3 * sum(sizes) - sizes[0])


def _fully_connected(net: Net) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    widths = (math.prod(net.inputs), *net.hidden)
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), *([nn.BatchNorm1d(outputs)] * net.norm), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))


def _convolutional(net: Net) -> nn.Sequential:
    channels, side, _ = net.inputs
    layers: list[nn.Module] = []
    for maps in net.hidden:
        layers += [
            nn.Conv2d(channels, maps, 3, padding=1),
            *([nn.BatchNorm2d(maps)] * net.norm),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels, side = maps, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side**2, CLASSES))
