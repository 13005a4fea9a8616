"""Greedy layer-wise pretraining of an mlp by autoencoders, plain or denoising."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ablate.config.optimizer import Adam
from ablate.config.penalty import NoPenalty
from ablate.config.pretrain import Autoencoders
from ablate.data import Data, split, unlabelled
from ablate.nn.dropout import Dropout
from ablate.nn.layers import Linear
from ablate.nn.network import Block, Chain
from ablate.streams import Streams
from ablate.train import BATCH
from ablate.train.convergence import EXAMPLES
from ablate.train.optimizers import build_optimizer, update
from ablate.train.prepare import Stack


def train_autoencoders(
    stack: Stack, network: Chain, config: Autoencoders, data: Data
) -> Sequence[Mapping[str, float]]:
    """Train each hidden layer in turn to encode its input, in place (Bengio et al. 2007).

    The input is what the earlier layers, as they predict, make of examples; dropout is off. With
    `noise`, a share of it is set to zero in each step, and the whole is to be given back (Vincent
    et al. 2008): zero is the mean of an input that is normalized.

    Returns of each replicate, by metric, what share of the variance of a layer's input the layer
    and its decoder leave unexplained at the end, of the first examples seen without noise.
    """
    examples = _examples(stack, config, data)
    found: list[dict[str, float]] = [{} for _ in stack.streams]
    for number, block in enumerate(network.chain[:-1], start=1):
        decoder = _decoder(block, stack.streams, examples.device)
        _train_layer(stack, network, number, decoder, config, examples)
        shares = _unexplained(stack, network, number, decoder, examples[:, :EXAMPLES])
        for own, share in zip(found, shares, strict=True):
            own[f"pretrain/layer{number}_loss"] = share
    network.train()
    return found


def _examples(stack: Stack, config: Autoencoders, data: Data) -> Tensor:
    """Return what is learnt from, int64 (R, n): members of an ensemble share it as their split."""
    if config.examples is None:
        return stack.training_indices
    wanted = unlabelled(stack.config, config)
    chosen = [split(data, wanted, streams).train for streams in stack.streams]
    return torch.stack(chosen).to(stack.training_indices.device)


def _decoder(block: Block, streams: Sequence[Streams], device: torch.device) -> Linear:
    """Return a linear map from a layer's units back to its inputs, weights ~ N(0, 1/units)."""
    assert isinstance(block.linear, Linear)
    assert block.activation is not None
    units = block.linear.units // (
        block.activation.pieces if block.activation.name == "maxout" else 1
    )
    decoder = Linear(len(streams), units, block.linear.fan_in)
    for own, stream in zip(decoder.weight.data, streams, strict=True):
        draws = stream.numpy("pretrain", f"{block.name}.decoder")
        drawn = draws.standard_normal(own.shape, dtype=np.float32)
        own.copy_(torch.from_numpy(drawn / np.float32(math.sqrt(units))))
    return decoder.to(device)


def _train_layer(
    stack: Stack,
    network: Chain,
    number: int,
    decoder: Linear,
    config: Autoencoders,
    examples: Tensor,
) -> None:
    block = network.chain[number - 1]
    named = [*block.named_parameters(), *decoder.named_parameters("decoder")]
    optimizer = build_optimizer(Adam(name="adam", lr=config.lr), named)
    device = str(examples.device)
    noise = [stream.torch("pretrain", f"{block.name}.noise", device) for stream in stack.streams]
    network.eval()
    block.train()
    for module in block.modules():
        if isinstance(module, Dropout):
            module.eval()
    for indices in _batches(stack, block.name, config, examples):
        with stack.autocast():
            x = _received(network, number, stack.training.batch(indices)[0])
            seen = _corrupted(x, config.noise, noise)
            given_back = decoder(block(seen, seen))
        # As for the training's losses: the gradient of the sum is every replicate's own.
        loss = (given_back.float() - x).square().sum(dim=2).mean(dim=1)
        loss.backward(torch.ones_like(loss))
        update(optimizer, config.lr, NoPenalty(), None)


def _batches(stack: Stack, name: str, config: Autoencoders, examples: Tensor) -> Iterator[Tensor]:
    """Yield the examples (R, B) of each step, in a new order in each epoch."""
    size, step = config.batch_size or stack.config.trainer.batch_size, 0
    for epoch in range(config.steps):
        source = f"{name}.order.{epoch}"
        orders = [
            own.numpy("pretrain", source).permutation(examples.shape[1]) for own in stack.streams
        ]
        order = torch.from_numpy(np.stack(orders)).to(examples.device)
        for indices in examples.gather(1, order).split(size, dim=1):  # type: ignore[no-untyped-call]
            if step == config.steps:
                return
            yield indices
            step += 1


@torch.no_grad()
def _received(network: Chain, number: int, inputs: Tensor) -> Tensor:
    """Return what a layer, counted from 1, receives of inputs, float32 (R, B, fan_in)."""
    x = inputs
    for block in network.chain[: number - 1]:
        x = block(x, x)
    return x.flatten(2).float()


def _corrupted(x: Tensor, noise: float, generators: Sequence[torch.Generator]) -> Tensor:
    if noise == 0:
        return x
    keep = torch.empty(x.shape, dtype=torch.bool, device=x.device)
    for own, generator in zip(keep, generators, strict=True):
        own.bernoulli_(1 - noise, generator=generator)
    return x * keep


@torch.no_grad()
def _unexplained(
    stack: Stack, network: Chain, number: int, decoder: Linear, examples: Tensor
) -> list[float]:
    """Return the squared error of each replicate in units of the variance of what is given back."""
    network.eval()
    errors, seen = [0.0] * len(examples), list[Tensor]()
    for indices in examples.split(BATCH, dim=1):  # type: ignore[no-untyped-call]
        with stack.autocast():
            x = _received(network, number, stack.training.batch(indices)[0])
            given_back = decoder(network.chain[number - 1](x, x))
        difference = (given_back.double() - x).square()
        # Replicate by replicate: no sum runs across them.
        errors = [e + float(own.sum()) for e, own in zip(errors, difference, strict=True)]
        seen.append(x.clone())
    whole = torch.cat(seen, dim=1)
    variances = [float(own.double().var(dim=0, correction=0).sum()) for own in whole]
    count = whole.shape[1]
    return [e / (count * v) if v else 0.0 for e, v in zip(errors, variances, strict=True)]
