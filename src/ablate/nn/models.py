"""From a config to its networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ablate.config import RunConfig
from ablate.config.model import ModelConfig
from ablate.config.target import Target
from ablate.nn.architectures import Layer, layers_of, multiply_adds, output_shape, pieces_of
from ablate.nn.dropout import DropConnect, Dropout
from ablate.nn.initialization import initialize
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
from ablate.nn.network import Block, Chain, Network
from ablate.nn.norms import build_norm
from ablate.nn.user_stack import build_user_stack
from ablate.streams import Streams


def build_network(
    config: RunConfig,
    inputs: tuple[int, ...],
    classes: int,
    streams: Sequence[Streams],
    device: str,
    first_batch: Callable[[], Tensor],
) -> Network:
    """Return the networks of `streams`, initialized and in training mode, whoever wrote them.

    first_batch  gives one normalized training batch (R, B, *inputs), for schemes that look at it

    Raises ConfigError where the model cannot be made or does not take such examples.
    """
    network: Network
    if isinstance(config.model, Target):
        place = torch.device(device)
        network = build_user_stack(config.model, inputs, classes, streams, place).train()
    else:
        chain = network = build(config.model, inputs, classes, len(streams)).to(device).train()
        chain.seed_dropout(streams, device)  # lsuv looks at the network as it trains
        batch = first_batch() if config.init.name == "lsuv" else None
        initialize(chain, config.init, config.model, streams, batch)
    network.seed_dropout(streams, device)  # and training starts its masks from the beginning
    return network


def build(config: ModelConfig, inputs: tuple[int, ...], classes: int, replicates: int) -> Chain:
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
    population = config.statistics == "population" and config.norm in ("batch", "batch_after")
    return Chain(blocks, multiply_adds(config, inputs, classes), population)


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
        shape = layer.kernel, layer.padding, layer.stride, layer.with_bias
        return Conv2d(replicates, dims[0], outputs, *shape), False
    return Linear(replicates, math.prod(dims), outputs), len(dims) > 1
