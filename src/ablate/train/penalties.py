"""Penalties on weights and activations, as pure functions of tensors (R, ...).

Weights are parameters of at least two dimensions per replicate; biases and the parameters of
norms are never penalized.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.config.penalty import L1, ElasticNet, MaxNorm, PenaltyConfig


def is_weight(parameter: Tensor) -> bool:
    """Tell whether a parameter (R, ...) is penalized and decays: weights are at least matrices."""
    return parameter.ndim > 2


@torch.no_grad()
def add_gradients(penalty: PenaltyConfig, weights: Sequence[Tensor]) -> None:
    """Add the (sub)gradient of the penalty on `weights` to their gradients.

    l1           strength * sign(w), zero at zero
    elastic_net  strength * sign(w) + l2 * w
    """
    if not isinstance(penalty, L1 | ElasticNet):
        return
    for weight in weights:
        if weight.grad is None:
            continue
        if not penalty.proximal:
            weight.grad.add_(weight.sign(), alpha=penalty.strength)
        if isinstance(penalty, ElasticNet):
            weight.grad.add_(weight, alpha=penalty.l2)


@torch.no_grad()
def project(penalty: PenaltyConfig, weights: Sequence[Tensor], lr: float) -> None:
    """Apply what a penalty does to the weights after a step of learning rate `lr`.

    proximal   w <- sign(w) max(|w| - lr * strength, 0), the proximal map of lr * strength * |w|
               (Parikh & Boyd 2014, section 6.5.2)
    max_norm   the weights into a unit are scaled back to norm `limit` where they exceed it
               (Srivastava et al. 2014)
    """
    for weight in weights:
        if isinstance(penalty, L1 | ElasticNet) and penalty.proximal:
            kept = (weight.abs() - lr * penalty.strength).clamp_(min=0)
            weight.copy_(kept.copysign_(weight))
        elif isinstance(penalty, MaxNorm):
            # Linear weights are (R, in, out), those of convolutions (R, out, in, k, k). Squares
            # are summed over an axis that is not the last, or over whole rows: in both cases a
            # replicate's sums do not depend on how many there are.
            into = 1 if weight.ndim == 3 else tuple(range(2, weight.ndim))
            norm = weight.square().sum(dim=into, keepdim=True).sqrt_()
            weight.mul_((penalty.limit / norm).clamp_(max=1))


def activation_penalty(strength: float, activation: Tensor) -> Tensor:
    """Return strength * the mean over examples of sum |h| (R,) of an activation (R, B, ...)."""
    wide = activation.to(torch.promote_types(activation.dtype, torch.float32))
    each = wide.abs().flatten(2).sum(dim=2)
    return strength * each.mean(dim=1)
