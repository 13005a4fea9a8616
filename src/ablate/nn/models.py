"""From a config to its networks."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ablate.config import RunConfig
from ablate.config.model import ChainConfig, ModelConfig, TokenConfig
from ablate.config.target import Target
from ablate.nn.architectures import Layer, Shape, check, multiply_adds, pieces_of, placed
from ablate.nn.dropout import Dropout
from ablate.nn.heads import Head, Headed, HeadShape
from ablate.nn.initialization import initialize
from ablate.nn.layers import Activate, Conv2d, GlobalPool, Linear, MaxPool, Shortcut
from ablate.nn.network import Block, Chain, Network
from ablate.nn.norms import build_norm
from ablate.nn.token_network import TokenNetwork
from ablate.nn.user_stack import build_user_stack
from ablate.streams import Streams


def build_network(
    config: RunConfig,
    shape: Shape,
    outputs: int,
    streams: Sequence[Streams],
    device: str,
    first_batch: Callable[[], Tensor],
    heads: Sequence[HeadShape] = (),
) -> Network:
    """Return the networks of `streams`, initialized and in training mode, whoever wrote them.

    first_batch  gives one normalized training batch (R, B, *inputs), for schemes that look at it
    heads        what is predicted beside the task; none for a model of the user's own

    Raises ConfigError where the model cannot be made or does not take such examples.
    """
    network: Network
    if isinstance(config.model, Target):
        where = torch.device(device)
        network = build_user_stack(config.model, shape, outputs, streams, where)
    else:
        network = _built(config.model, shape, outputs, len(streams), heads).to(device)
        network.seed_dropout(streams, device)  # lsuv looks at the network as it trains
        batch = first_batch() if config.init.name == "lsuv" else None
        initialize(network, config.init, streams, batch)
    network.seed_dropout(streams, device)  # and training starts its masks from the beginning
    return network


def _built(
    config: ModelConfig, shape: Shape, outputs: int, replicates: int, heads: Sequence[HeadShape]
) -> Network:
    check(config, shape)
    if isinstance(config, TokenConfig):
        assert not heads, "refused where a config is read"
        return TokenNetwork(config, shape, outputs, replicates)
    return build(config, shape.inputs, outputs, replicates, heads)


def build(
    config: ChainConfig,
    inputs: tuple[int, ...],
    outputs: int,
    replicates: int,
    heads: Sequence[HeadShape] = (),
) -> Chain:
    """Build R networks of one shape, weights zero until `initialize` draws them.

    Raises ConfigError when the architecture cannot take examples of shape `inputs`.
    """
    layers = placed(config, inputs, outputs)
    blocks = _blocks(config, layers, replicates)
    cost = multiply_adds(config, Shape(inputs), outputs)
    population = config.statistics != "running" and config.norm in ("batch", "batch_after")
    if not heads:
        return Chain(blocks, cost, population)
    own = [
        Head(
            head.name,
            head.shared,
            _blocks(
                config,
                placed(config, inputs, head.outputs),
                replicates,
                head.shared,
                f"{head.name}.",
            ),
        )
        for head in heads
    ]
    return Headed(blocks, cost, population, own)


def _blocks(
    config: ChainConfig,
    layers: Sequence[tuple[Layer, tuple[int, ...]]],
    replicates: int,
    shared: int = 0,
    prefix: str = "",
) -> list[Block]:
    """Return blocks for layers, the output layer's last; of a head those behind the shared ones.

    prefix  of the names of a head's blocks and of its dropout
    """
    blocks: list[Block] = []
    kept, stride = layers[0][1], 1
    norm_after = config.norm == "batch_after"
    dropped = (f"{prefix}input", config.input_dropout)  # where units arrive that dropout acts on
    *hidden, (output, last) = layers
    for number, (layer, received) in enumerate(hidden, start=1):
        name, arriving = f"{prefix}layer{number}", dropped
        share = config.dropout[number - 1] if isinstance(config.dropout, tuple) else config.dropout
        dropped = (name, share if layer.pool or not layer.kernel else 0.0)
        if number <= shared:
            continue
        if layer.opens:
            kept, stride = received, layer.stride
        maps = pieces_of(config, layer)
        blocks.append(
            Block(
                name,
                *_linear_map(config, layer, received, replicates, *arriving),
                build_norm(config, replicates, layer.units * (1 if norm_after else maps)),
                Activate(config.activation, replicates, layer.units, maps),
                _pool(layer),
                norm_after=norm_after,
                opens=layer.opens,
                shortcut=Shortcut(stride, layer.units - kept[0]) if layer.closes else None,
            )
        )
    blocks.append(
        Block(f"{prefix}output", *_linear_map(config, output, last, replicates, *dropped))
    )
    return blocks


def _linear_map(
    config: ChainConfig,
    layer: Layer,
    received: tuple[int, ...],
    replicates: int,
    name: str,
    p: float,
) -> tuple[list[nn.Module], Linear | Conv2d, Dropout | None]:
    """Return what units pass in front of a linear map, the map, and what drops its weights.

    name, p  of the dropout behind the layer before: of its units, or of the weights they meet
    """
    before: list[nn.Module] = []
    dropout = Dropout(p, name, config.dropout_kind) if p else None
    by_weight = config.dropout_kind == "drop_connect"
    if dropout is not None and not by_weight:
        before.append(dropout)
    outputs = layer.units * pieces_of(config, layer)
    if layer.kernel:
        if layer.input_padding:
            before.append(nn.ZeroPad2d(layer.input_padding))
        shape = layer.kernel, layer.padding, layer.stride, layer.with_bias
        linear: Linear | Conv2d = Conv2d(replicates, received[0], outputs, *shape)
    else:
        if len(received) > 1:
            before.append(nn.Flatten(2))
        linear = Linear(replicates, math.prod(received), outputs)
    return before, linear, dropout if by_weight else None


def _pool(layer: Layer) -> MaxPool | GlobalPool | None:
    if layer.pool is None:
        return None
    return MaxPool(*layer.pool) if any(layer.pool) else GlobalPool(layer.average)
