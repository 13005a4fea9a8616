"""torch's optimizers, with the parameter groups and kernels that this package needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ablate.config.optimizer import Adam, MomentumSgd, OptimizerConfig

# A fused kernel computes what does not fill a vector with other instructions. In a stack
# those would fall on other elements than alone, unless each replicate fills its vectors.
_VECTOR = 8


def build_optimizer(
    config: OptimizerConfig, parameters: Iterable[tuple[str, Tensor]]
) -> torch.optim.Optimizer:
    """Return the optimizer of `config` over named parameters (R, ...).

    Weights decay; biases and the parameters of batch normalization and PReLU never do. With
    `decoupled`, weights shrink by lr * weight_decay beside the step (Loshchilov & Hutter
    2019, algorithms 1 and 2): torch has it for Adam, `update` does it for SGD.

    Large tensors are updated by fused kernels, twice as fast and more, the rest by foreach;
    which is decided by shape alone, so that a replicate has the same bits in any stack.
    """
    groups = _groups(config, parameters)
    match config:
        case Adam():
            kind = torch.optim.AdamW if config.decoupled else torch.optim.Adam
            betas = (config.beta1, config.beta2)
            return kind(groups, lr=config.lr, betas=betas, eps=config.eps, weight_decay=0.0)
        case MomentumSgd():
            nesterov = config.name == "nesterov" and config.momentum > 0
            return torch.optim.SGD(
                groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov
            )
        case _:
            return torch.optim.SGD(groups, lr=config.lr)


def update(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Take one step at learning rate `lr` from the parameters' gradients, then drop these."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        if group["shrink"]:
            with torch.no_grad():
                torch._foreach_mul_(group["params"], 1 - lr * group["shrink"])
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def decays(parameter: Tensor) -> bool:
    """Tell whether weight decay acts on a parameter (R, ...): weights are at least matrices."""
    return parameter.ndim > 2


def _groups(
    config: OptimizerConfig, parameters: Iterable[tuple[str, Tensor]]
) -> list[dict[str, Any]]:
    members: dict[tuple[bool, bool], list[Tensor]] = {}
    for _, parameter in parameters:
        decayed = config.weight_decay > 0 and decays(parameter)
        fused = parameter[0].numel() % _VECTOR == 0
        members.setdefault((decayed, fused), []).append(parameter)
    by_hand = config.decoupled and not isinstance(config, Adam)
    return [
        {
            "params": tensors,
            "weight_decay": config.weight_decay if decayed and not by_hand else 0.0,
            "shrink": config.weight_decay if decayed and by_hand else 0.0,
            "fused": fused,
            "foreach": not fused,
        }
        for (decayed, fused), tensors in members.items()
    ]
