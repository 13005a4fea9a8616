"""Penalties by squares of differences: of weights from where they start, zero, or the next layer.

All are sums over the parameters of a replicate, (R, ...), by elements: no bit of a replicate
depends on its stack.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.penalty import L2, PULLS, Tied
from ablate.config.pretrain import NoPretraining
from ablate.nn.layers import Conv2d, Linear
from ablate.nn.network import Chain, Network
from ablate.train.penalties import is_weight


@dataclass(frozen=True, eq=False)
class Pulls:
    """strength/2 * the sum of (parameter - to)^2, and of (one - other)^2 over the pairs.

    towards  parameters (R, ...), each with what it is pulled to; None is zero
    pairs    parameters of one shape that pull each other
    """

    strength: float
    towards: tuple[tuple[Tensor, Tensor | None], ...] = ()
    pairs: tuple[tuple[Tensor, Tensor], ...] = ()

    @torch.no_grad()
    def add_gradients(self) -> None:
        """Add the penalty's gradient to those there are; frozen parameters have none."""
        for parameter, to in self.towards:
            _add(parameter, parameter if to is None else parameter - to, self.strength)
        for one, other in self.pairs:
            _add(one, one - other, self.strength)
            _add(other, other - one, self.strength)

    def value(self) -> Tensor:
        """Return the penalty (R,), for a line search."""
        apart = [p if to is None else p - to for p, to in self.towards]
        apart += [one - other for one, other in self.pairs]
        squares = [each.square().flatten(1).sum(dim=1) for each in apart]
        return self.strength / 2 * torch.stack(squares).sum(dim=0)


def build_pulls(config: RunConfig, network: Network) -> Pulls | None:
    """Return what the penalty pulls of a network that is about to train; None where it is no pull.

    Where hidden layers were learnt before, output layers and heads are new and are pulled towards
    zero, as in Li et al. 2018 with one strength for all.
    """
    penalty = config.penalty
    if not isinstance(penalty, PULLS):
        return None
    if isinstance(penalty, Tied):
        assert isinstance(network, Chain), "refused where a config is read"
        hidden = [block.linear.weight for block in network.chain[:-1]]
        pairs = [(a, b) for a, b in itertools.pairwise(hidden) if a.shape == b.shape]
        return Pulls(penalty.strength, pairs=tuple(pairs))
    new: set[int] = set()
    if isinstance(network, Chain) and not isinstance(config.pretrain, NoPretraining):
        learnt = {id(p) for block in network.chain[:-1] for p in block.parameters()}
        new = {id(p) for p in network.parameters()} - learnt

    def start_of(parameter: Tensor) -> Tensor | None:
        towards_zero = isinstance(penalty, L2) or id(parameter) in new
        return None if towards_zero else parameter.detach().clone()

    pulled = _pulled(network, penalty.biases)
    return Pulls(penalty.strength, tuple((p, start_of(p)) for p in pulled))


def _pulled(network: Network, biases: bool) -> Iterator[Tensor]:
    for parameter in network.parameters():
        if parameter.requires_grad and is_weight(parameter):
            yield parameter
    if not biases:
        return
    for module in network.modules():
        bias = module.bias if isinstance(module, Linear | Conv2d) else None
        if bias is not None and bias.requires_grad:
            yield bias


def _add(parameter: Tensor, difference: Tensor, strength: float) -> None:
    if parameter.grad is not None:
        parameter.grad.add_(difference, alpha=strength)
