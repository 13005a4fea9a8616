"""Architectures: from a `model` config to a `Network`."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from ablate.config.model import Cnn, FitNet, LeNet, Mlp, ModelConfig
from ablate.errors import ConfigError
from ablate.nn.layers import Activate, BatchNorm, Conv2d, Dropout, Flatten, Linear, MaxPool
from ablate.nn.network import Block, Network

#: Blocks of 3x3 convolutions, from Romero et al. 2015, tables 5 and 7.
FITNETS: dict[str, tuple[tuple[int, ...], ...]] = {
    "fitnet1": ((16, 16, 16), (32, 32, 32), (48, 48, 64)),
    "fitnet2": ((16, 32, 32), (48, 64, 80), (96, 96, 128)),
    "fitnet3": ((32, 48, 64, 64), (80,) * 4, (128,) * 3),
    "fitnet4": ((32, 32, 32, 48, 48), (80,) * 6, (128,) * 6),
    "mnist_fitnet": ((16, 16), (16, 16), (12, 12)),
}
_FITNET_UNITS = 500
_FITNET_UNIT_PIECES = 5  # of the fully connected maxout layer, whatever `model.pieces` says


@dataclass(frozen=True)
class Layer:
    """One hidden layer of an architecture: a fully connected one, or a square convolution.

    pool  size and stride of the max-pooling behind it; size 0 is global
    """

    units: int
    kernel: int = 0
    padding: int = 0
    pool: tuple[int, int] | None = None
    pieces: int | None = None
    input_padding: int = 0


def layers_of(config: ModelConfig, inputs: tuple[int, ...]) -> list[Layer]:
    """Return the hidden layers of an architecture for examples of shape `inputs`."""
    if isinstance(config, Mlp):
        return [Layer(width) for width in config.widths]
    if isinstance(config, Cnn):
        return [Layer(maps, kernel=3, padding=1, pool=(2, 2)) for maps in config.channels]
    if isinstance(config, LeNet):
        # LeCun's 32x32 frame: 28x28 images get a border of two.
        border = 2 if inputs[-1] == 28 else 0
        return [
            Layer(6, kernel=5, pool=(2, 2), input_padding=border),
            Layer(16, kernel=5, pool=(2, 2)),
            Layer(120),
            Layer(84),
        ]
    return _fitnet(config)


def _fitnet(config: FitNet) -> list[Layer]:
    small = config.name == "mnist_fitnet"
    pools = ((4, 2), (4, 2), (2, 2)) if small else ((2, 2), (2, 2), (0, 0))
    layers = []
    for maps, pool in zip(FITNETS[config.name], pools, strict=True):
        convolutions = [Layer(count, kernel=3, padding=1) for count in maps]
        last = Layer(maps[-1], kernel=3, padding=1, pool=pool)
        layers += [*convolutions[:-1], last]
    if not small:
        layers.append(Layer(_FITNET_UNITS, pieces=_FITNET_UNIT_PIECES))
    return layers


def check(config: ModelConfig, inputs: tuple[int, ...]) -> None:
    """Raise ConfigError when the architecture cannot take examples of shape `inputs`."""
    dims = inputs
    for number, layer in enumerate(layers_of(config, inputs), start=1):
        dims = _output_shape(config, layer, dims, number, inputs)


def build(config: ModelConfig, inputs: tuple[int, ...], classes: int, replicates: int) -> Network:
    """Build R networks of one shape, weights zero until `initialize` draws them.

    Raises ConfigError when the architecture cannot take examples of shape `inputs`.
    """
    blocks: list[Block] = []
    dims = inputs
    pieces = config.pieces if config.activation == "maxout" else 1
    for number, layer in enumerate(layers_of(config, inputs), start=1):
        name = f"layer{number}"
        maps = pieces if layer.pieces is None or pieces == 1 else layer.pieces
        before: list[nn.Module] = []
        if number == 1 and config.input_dropout:
            before.append(Dropout(config.input_dropout, "input"))
        if layer.input_padding:
            before.append(_Pad(layer.input_padding))
        linear, flattened = _linear_map(layer, dims, replicates, layer.units * maps)
        if flattened:
            before.append(Flatten())
        norm = BatchNorm(replicates, layer.units * maps) if config.norm == "batch" else None
        activation = Activate(config.activation, replicates, layer.units, maps)
        dims = _output_shape(config, layer, dims, number, inputs)
        after: list[nn.Module] = []
        if layer.pool:
            size, stride = layer.pool
            after.append(MaxPool(size, stride) if size else _GlobalMaxPool())
        if config.dropout and (layer.pool or not layer.kernel):
            after.append(Dropout(config.dropout, name))
        blocks.append(Block(name, before, linear, norm, activation, after))
    head, flattened = _linear_map(Layer(classes), dims, replicates, classes)
    blocks.append(Block("output", [Flatten()] if flattened else [], head, None, None, []))
    return Network(blocks)


def _linear_map(
    layer: Layer, dims: tuple[int, ...], replicates: int, outputs: int
) -> tuple[Linear | Conv2d, bool]:
    """Return the map and whether its input has to be flattened first."""
    if layer.kernel:
        return Conv2d(replicates, dims[0], outputs, layer.kernel, layer.padding), False
    features = 1
    for dim in dims:
        features *= dim
    return Linear(replicates, features, outputs), len(dims) > 1


def _output_shape(
    config: ModelConfig,
    layer: Layer,
    dims: tuple[int, ...],
    number: int,
    inputs: tuple[int, ...],
) -> tuple[int, ...]:
    if not layer.kernel:
        return (layer.units,)
    shown = " x ".join(str(dim) for dim in inputs)
    if len(dims) != 3:
        raise ConfigError(
            f"model={config.name} needs images, but the data has examples of {shown} features; "
            "take model=mlp."
        )
    sides = [
        side + 2 * (layer.padding + layer.input_padding) - layer.kernel + 1 for side in dims[1:]
    ]
    if layer.pool and layer.pool[0]:
        size, stride = layer.pool
        sides = [-(-(side - size) // stride) + 1 if side >= size else 0 for side in sides]
    elif layer.pool:
        sides = [1, 1]
    if min(sides) < 1:
        raise ConfigError(
            f"model={config.name} is too deep for images of {shown}: nothing is left after "
            f"layer {number}; take larger images or model=mlp or cnn."
        )
    return (layer.units, *sides)


class _Pad(nn.Module):
    """A border of zeros around (R, B, C, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, [self.width] * 4)


class _GlobalMaxPool(nn.Module):
    """(R, B, C, H, W) to (R, B, C, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=(3, 4), keepdim=True)
