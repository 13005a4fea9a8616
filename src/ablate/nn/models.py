"""From a `model` config to a `Network`."""

from __future__ import annotations

from torch import nn

from ablate.config.model import ModelConfig
from ablate.nn.architectures import Layer, layers_of, output_shape, pieces_of
from ablate.nn.dropout import DropConnect, Dropout
from ablate.nn.layers import (
    Activate,
    Conv2d,
    Flatten,
    GlobalPool,
    Linear,
    MaxPool,
    Pad,
    Shortcut,
)
from ablate.nn.network import Block, Network
from ablate.nn.norms import build_norm


def build(config: ModelConfig, inputs: tuple[int, ...], classes: int, replicates: int) -> Network:
    """Build R networks of one shape, weights zero until `initialize` draws them.

    Raises ConfigError when the architecture cannot take examples of shape `inputs`.
    """
    blocks: list[Block] = []
    dims = kept = inputs
    stride = 1
    by_weight = config.dropout_kind == "drop_connect"
    dropped = ("input", config.input_dropout)  # where units arrive that dropout acts on
    for number, layer in enumerate(layers_of(config, inputs), start=1):
        name = f"layer{number}"
        if layer.opens:
            kept, stride = dims, layer.stride
        maps = pieces_of(config, layer)
        linear, flattened = _linear_map(layer, dims, replicates, layer.units * maps)
        before, connect = _dropping(config, *dropped) if number == 1 or by_weight else ([], None)
        if layer.input_padding:
            before.append(Pad(layer.input_padding))
        if flattened:
            before.append(Flatten())
        after_activation = config.norm == "batch_after"
        channels = layer.units * (1 if after_activation else maps)
        dims = output_shape(config, layer, dims, number, inputs)
        after: list[nn.Module] = []
        if layer.pool:
            size, step = layer.pool
            after.append(MaxPool(size, step) if size else GlobalPool(layer.average))
        dropped = (name, config.dropout if layer.pool or not layer.kernel else 0.0)
        after += _dropping(config, *dropped)[0]
        shortcut = Shortcut(stride, layer.units - kept[0]) if layer.closes else None
        blocks.append(
            Block(
                name,
                before,
                linear,
                build_norm(config, replicates, channels),
                Activate(config.activation, replicates, layer.units, maps),
                after,
                norm_after=after_activation,
                connect=connect,
                opens=layer.opens,
                shortcut=shortcut,
            )
        )
    head, flattened = _linear_map(Layer(classes), dims, replicates, classes)
    connect = _dropping(config, *dropped)[1]
    blocks.append(Block("output", [Flatten()] if flattened else [], head, connect=connect))
    return Network(blocks)


def _dropping(
    config: ModelConfig, name: str, p: float
) -> tuple[list[nn.Module], DropConnect | None]:
    """Return what drops units that leave a layer, or what drops the weights they meet."""
    if p == 0:
        return [], None
    if config.dropout_kind == "drop_connect":
        return [], DropConnect(p, name)
    return [Dropout(p, name, config.dropout_kind)], None


def _linear_map(
    layer: Layer, dims: tuple[int, ...], replicates: int, outputs: int
) -> tuple[Linear | Conv2d, bool]:
    """Return the map and whether its input has to be flattened first."""
    if layer.kernel:
        convolution = Conv2d(
            replicates, dims[0], outputs, layer.kernel, layer.padding, layer.stride,
            layer.with_bias,
        )  # fmt: skip
        return convolution, False
    features = 1
    for dim in dims:
        features *= dim
    return Linear(replicates, features, outputs), len(dims) > 1
