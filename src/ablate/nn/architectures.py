"""Architectures as data: their hidden layers, and whether they fit the examples. No torch here."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from ablate.config.model import (
    ChainConfig,
    Cnn,
    FitNet,
    LeNet,
    Mlp,
    ModelConfig,
    ResNet,
    TokenConfig,
    Transformer,
)
from ablate.errors import ConfigError

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
class Shape:
    """What a network is made for.

    inputs      shape of an example: (channels, height, width), (features,) or (tokens,)
    vocabulary  different tokens that an example may have; 0: it has numbers
    per_token   whether each token has outputs of its own, or a sequence as a whole
    """

    inputs: tuple[int, ...]
    vocabulary: int = 0
    per_token: bool = False

    def of_outputs(self, outputs: int) -> tuple[int, ...]:
        """Return the shape of an example's outputs: (K,), or (T, K) where each token has some."""
        return (self.inputs[0], outputs) if self.per_token else (outputs,)


@dataclass(frozen=True)
class Layer:
    """One hidden layer of an architecture: a fully connected one, or a square convolution.

    pool       size and stride of the max-pooling behind it; size 0 is global
    average    the global pooling takes the mean
    with_bias  false where a norm would take it away at once
    opens      its input is what the next shortcut starts from
    closes     a shortcut from there is added in front of its activation
    """

    units: int
    kernel: int = 0
    padding: int = 0
    stride: int = 1
    pool: tuple[int, int] | None = None
    average: bool = False
    pieces: int | None = None
    input_padding: int = 0
    with_bias: bool = True
    opens: bool = False
    closes: bool = False


def layers_of(config: ChainConfig, inputs: tuple[int, ...]) -> list[Layer]:
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
    if isinstance(config, FitNet):
        return _fitnet(config)
    return _resnet(config)


def _fitnet(config: FitNet) -> list[Layer]:
    small = config.name == "mnist_fitnet"
    pools = ((4, 2), (4, 2), (2, 2)) if small else ((2, 2), (2, 2), (0, 0))
    layers = []
    for maps, pool in zip(FITNETS[config.name], pools, strict=True):
        layers += [Layer(count, kernel=3, padding=1) for count in maps]
        layers[-1] = replace(layers[-1], pool=pool)
    if not small:
        layers.append(Layer(_FITNET_UNITS, pieces=_FITNET_UNIT_PIECES))
    return layers


def _resnet(config: ResNet) -> list[Layer]:
    """Three stages of three blocks of two convolutions, the later stages at half the size."""
    with_bias = config.norm in ("none", "batch_after")
    layers = [Layer(16, kernel=3, padding=1, with_bias=with_bias)]
    for stage, maps in enumerate((16, 32, 64)):
        for number in range(3):
            stride = 2 if stage and not number else 1
            first = Layer(maps, 3, 1, stride, with_bias=with_bias, opens=True)
            layers += [first, Layer(maps, 3, 1, with_bias=with_bias, closes=True)]
    layers[-1] = replace(layers[-1], pool=(0, 0), average=True)
    return layers


def usual_pieces(config: ChainConfig | Transformer) -> int:
    """Return how many linear maps stand behind each unit of a usual hidden layer."""
    return config.pieces if config.activation == "maxout" else 1


def pieces_of(config: ChainConfig, layer: Layer) -> int:
    """Return how many linear maps stand behind each unit of a layer: several for maxout."""
    pieces = usual_pieces(config)
    return pieces if layer.pieces is None or pieces == 1 else layer.pieces


def depth_of(config: ModelConfig) -> int:
    """Return the number of hidden layers."""
    if isinstance(config, TokenConfig):
        return config.depth
    return len(layers_of(config, (1, 28, 28)))  # as many whatever the examples are


def multiply_adds(
    config: ModelConfig, shape: Shape, outputs: int, first: int = 0, end: int | None = None
) -> int:
    """Return the multiply-adds of linear maps in one forward pass of one example.

    first, end  the layers of a chain that are counted, as a slice has them; the output layer is
                the last

    Of attention the products of queries with keys and of weights with values count as well.
    """
    if isinstance(config, TokenConfig):
        return _of_tokens(config, shape, outputs)
    count = 0
    for layer, received in placed(config, shape.inputs, outputs)[first:end]:
        maps = layer.units * pieces_of(config, layer)
        if layer.kernel:
            positions = math.prod(_positions(layer, received))
            count += maps * layer.kernel**2 * received[0] * positions
        else:
            count += maps * math.prod(received)
    return count


def _of_tokens(config: TokenConfig, shape: Shape, outputs: int) -> int:
    (length,), width = shape.inputs, config.width
    if isinstance(config, Transformer):
        hidden = width * config.expansion
        of_token = 4 * width**2 + width * hidden * (usual_pieces(config) + 1)
        layer = length * of_token + length * (length + 1) * width
    else:
        layer = length * 8 * width**2
    return config.depth * layer + (length if shape.per_token else 1) * width * outputs


def check(config: ModelConfig, shape: Shape) -> None:
    """Raise ConfigError when the architecture cannot take such examples."""
    of_tokens = isinstance(config, TokenConfig)
    if of_tokens and not shape.vocabulary:
        raise ConfigError(
            f"model={config.name} needs sequences of tokens, but the data has examples of "
            f"{_shown(shape.inputs)} numbers; take model=mlp, or cnn for images."
        )
    if shape.vocabulary and not of_tokens:
        raise ConfigError(
            f"model={config.name} needs numbers, but the data has sequences of "
            f"{_shown(shape.inputs)} tokens; take model=transformer or lstm."
        )
    if not isinstance(config, TokenConfig):
        placed(config, shape.inputs, classes=1)


def frozen_layers(config: ModelConfig, frozen: int | Literal["hidden"]) -> int:
    """Return how many hidden layers `trainer.frozen` holds fixed.

    Raises ConfigError where it is more than there are.
    """
    there = depth_of(config)
    if frozen == "hidden":
        return there
    if frozen > there:
        raise ConfigError(
            f"trainer.frozen is {frozen}; model={config.name} has {there} hidden layers, so at "
            f"most {there} or hidden are allowed."
        )
    return frozen


def normalizes_single_values(config: ModelConfig, inputs: tuple[int, ...]) -> bool:
    """Tell whether batch norm meets maps of 1 x 1, of which one example gives a single value."""
    if isinstance(config, TokenConfig):
        return False
    return config.norm in ("batch", "batch_after") and any(
        layer.kernel and math.prod(_positions(layer, received)) == 1
        for layer, received in placed(config, inputs, classes=1)
    )


def placed(
    config: ChainConfig, inputs: tuple[int, ...], classes: int
) -> list[tuple[Layer, tuple[int, ...]]]:
    """Return the layers, at last the output layer, each with the shape that it receives.

    Raises ConfigError when the architecture cannot take examples of shape `inputs`.
    """
    shown = _shown(inputs)
    dims, found = inputs, []
    for number, layer in enumerate(layers_of(config, inputs), start=1):
        if layer.kernel and len(dims) != 3:
            raise ConfigError(
                f"model={config.name} needs images, but the data has examples of {shown} "
                "features; take model=mlp."
            )
        found.append((layer, dims))
        dims = _output_shape(layer, dims)
        if min(dims) < 1:
            raise ConfigError(
                f"model={config.name} is too deep for images of {shown}: nothing is left after "
                f"layer {number}; take larger images or model=mlp or cnn."
            )
    return [*found, (Layer(classes, pieces=1), dims)]


def _shown(inputs: tuple[int, ...]) -> str:
    return " x ".join(map(str, inputs))


def _output_shape(layer: Layer, dims: tuple[int, ...]) -> tuple[int, ...]:
    if not layer.kernel:
        return (layer.units,)
    sides = _positions(layer, dims)
    if layer.pool == (0, 0):
        sides = [1, 1]
    elif layer.pool:
        size, stride = layer.pool
        sides = [-(-(side - size) // stride) + 1 if side >= size else 0 for side in sides]
    return (layer.units, *sides)


def _positions(layer: Layer, dims: tuple[int, ...]) -> list[int]:
    """Return height and width of what a convolution makes of maps of shape `dims`."""
    padding = 2 * (layer.padding + layer.input_padding)
    return [(side + padding - layer.kernel) // layer.stride + 1 for side in dims[1:]]
