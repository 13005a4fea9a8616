"""A network as a chain of blocks: what every architecture here is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ablate.nn.layers import Activate, BatchNorm, Conv2d, Dropout, Linear
from ablate.streams import Streams

#: Told each hidden layer's name, pre-activation (after normalization) and activation.
Tap = Callable[[str, Tensor, Tensor], None]


class Block(nn.Module):
    """A linear map, then what stands between it and the next: norm, activation, pool, dropout.

    before   what the input passes first (flattening, padding, input dropout)
    linear   `Linear` or `Conv2d`
    after    what follows the activation (pooling, dropout)
    """

    def __init__(
        self,
        name: str,
        before: Sequence[nn.Module],
        linear: Linear | Conv2d,
        norm: BatchNorm | None,
        activation: Activate | None,
        after: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        self.name = name
        self.before = nn.Sequential(*before)
        self.linear, self.norm, self.activation = linear, norm, activation
        self.after = nn.Sequential(*after)

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return what the next block receives."""
        return self.finish(self.linear(self.before(x)), tap)

    def finish(self, z: Tensor, tap: Tap | None = None) -> Tensor:
        """Return what the next block receives, from this block's linear map."""
        if self.activation is None:
            return z  # the output layer
        z = z if self.norm is None else self.norm(z)
        h = self.activation(z)
        if tap is not None:
            tap(self.name, z, h)
        result: Tensor = self.after(h)
        return result


class Network(nn.Module):
    """Blocks `layer1`, `layer2`, ... and `output`; R networks of one shape as one program."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the hidden layers, in order."""
        return tuple(block.name for block in self.chain[:-1])

    @property
    def chain(self) -> tuple[Block, ...]:
        """The blocks, in order; the last is the output layer."""
        return tuple(block for block in self.blocks if isinstance(block, Block))

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return logits (R, B, classes) of x (R, B, *inputs)."""
        for block in self.blocks:
            x = block(x, tap)
        return x

    def seed_dropout(self, streams: Sequence[Streams], device: str) -> None:
        """Give every dropout layer the streams of the replicates; training needs it."""
        for module in self.modules():
            if isinstance(module, Dropout):
                module.seed(streams, device)


def parameter_count(network: Network) -> int:
    """Return the trainable numbers of one replicate."""
    return sum(parameter[0].numel() for parameter in network.parameters())


def multiply_adds(network: Network, inputs: tuple[int, ...]) -> int:
    """Return the multiply-adds of linear maps in one forward pass of one example."""
    count = 0

    def add(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal count
        assert isinstance(module, Linear | Conv2d)
        per_position = output.shape[2] * module.fan_in
        count += per_position * output[0, 0, 0].numel()

    hooks = [block.linear.register_forward_hook(add) for block in network.chain]
    device = next(network.parameters()).device
    replicates = len(next(network.parameters()))
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        network(torch.zeros(replicates, 1, *inputs, device=device))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return count
