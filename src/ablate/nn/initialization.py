"""Initial weights: every scheme of the `init` group, the output layer by the same scheme.

Weights of replicate r come from its stream `init`, named by the layer. The numbers drawn are
standard (N(0, 1), or U(-1, 1)) and scaled afterwards, so schemes of one distribution share their
draws and two scales of one scheme are exact multiples of each other. Biases are `init.bias`, zero
by default.
Embeddings are N(0, 1) whatever the scheme.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ablate.config.init import Constant, InitConfig, Lsuv, Orthogonal, OrthogonalHe, Zeros
from ablate.nn.heads import Headed
from ablate.nn.layers import Conv2d, Linear
from ablate.nn.network import Block, Chain, Network
from ablate.nn.scales import gain_of, weight_variance
from ablate.streams import Streams


@torch.no_grad()
def initialize(
    network: Network,
    config: InitConfig,
    streams: Sequence[Streams],
    batch: Tensor | None = None,
) -> None:
    """Draw the weights of all replicates, in place.

    streams  one per replicate
    batch    (R, B, *inputs), one normalized training batch; only `lsuv` needs it

    Raises ValueError when `lsuv` has no batch, or no chain of layers to follow.
    """
    for name, linear, reads in network.maps:
        for replicate, stream in enumerate(streams):
            generator = stream.numpy("init", f"{name}.weight")
            matrix = torch.from_numpy(_matrix(config, reads, linear, generator))
            weight = linear.weight[replicate]  # (in, out), or (out, in, k, k)
            weight.copy_(matrix.T if weight.ndim == 2 else matrix.view(weight.shape))
    for name, weight in network.embeddings:
        for own, stream in zip(weight, streams, strict=True):
            draws = stream.numpy("init", f"{name}.weight").standard_normal(own.shape, np.float32)
            own.copy_(torch.from_numpy(draws))
    if config.bias:
        for _, linear, _ in network.maps:
            if linear.bias is not None:
                linear.bias.fill_(config.bias)
    if isinstance(config, Lsuv):
        if batch is None or not isinstance(network, Chain):
            raise ValueError("init=lsuv needs a batch of training examples, and a chain of layers")
        received = _unit_variance(network.chain, config, batch)
        for head in network.heads if isinstance(network, Headed) else ():
            _unit_variance(head.chain, config, received[head.shared])
    if config.scale != 1:
        for _, linear, _ in network.maps:
            linear.weight.mul_(config.scale)


def _matrix(
    config: InitConfig, activation: str, linear: Linear | Conv2d, generator: np.random.Generator
) -> np.ndarray:
    """Return one replicate's weights (out, fan_in) at scale 1, float32."""
    shape = (linear.units, linear.fan_in)
    if isinstance(config, Zeros | Constant):
        return np.full(shape, getattr(config, "value", 0.0), dtype=np.float32)
    if isinstance(config, Orthogonal | Lsuv):
        return _orthonormal(shape, generator)
    if isinstance(config, OrthogonalHe):
        return _orthonormal(shape, generator) * np.float32(gain_of(config.gain, activation))
    variance = weight_variance(config, activation, linear.fan_in, linear.fan_out)
    assert variance is not None
    if getattr(config, "distribution", config.name) in ("uniform", "caffe_xavier"):
        draws = generator.random(shape, dtype=np.float32) * 2 - 1
        return draws * np.float32(math.sqrt(3 * variance))
    return generator.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(variance))


def _orthonormal(shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Return a matrix with orthonormal rows or columns, whichever fit (Saxe et al. 2014).

    The signs of R's diagonal make the distribution uniform (Haar) instead of LAPACK's habit.
    """
    tall = generator.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q if shape[0] >= shape[1] else q.T, dtype=np.float32)


def _unit_variance(chain: Sequence[Block], config: Lsuv, batch: Tensor) -> list[Tensor]:
    """Scale layer by layer until each linear map's output has variance 1 (Mishkin & Matas 2016).

    One scalar per layer and replicate, over all outputs and examples; dropout is active if the
    network is in training mode, as in the authors' code; normalization is left out, since it
    would undo every scale. Returns the batch, and what each hidden layer makes of it.
    """
    x = kept = batch
    received = [batch]
    for block in chain:
        kept = x if block.opens else kept
        x = block.before(x)
        z = block.linear(x)
        for _ in range(config.max_iterations):
            # Per replicate, so that its numbers do not depend on the others in the stack.
            variance = torch.stack([part.var(correction=0) for part in z])
            off = ((variance - 1).abs() > config.tolerance) & (variance > 0)
            if not off.any():
                break
            factor = torch.where(off, variance.rsqrt(), torch.ones_like(variance))
            block.linear.weight.mul_(factor.view(-1, *[1] * (block.linear.weight.dim() - 1)))
            z = block.linear(x)
        if block.activation is not None:
            x = block.activation(block.joined(z, kept))
            x = x if block.pool is None else block.pool(x)
            received.append(x)
    return received
