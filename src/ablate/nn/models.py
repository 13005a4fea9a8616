"""From a `model` config to a `Network`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ablate.config.model import ModelConfig
from ablate.nn.architectures import Layer, layers_of, output_shape
from ablate.nn.layers import Activate, BatchNorm, Conv2d, Dropout, Flatten, Linear, MaxPool
from ablate.nn.network import Block, Network


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
        dims = output_shape(config, layer, dims, number, inputs)
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
