"""One step of training: the loss of a batch, its gradients, and the update."""

from dataclasses import replace

import torch
from torch import Tensor

from ablate.config.model import ChainConfig
from ablate.config.penalty import ActivationL1
from ablate.nn.dropout import Dropout, share_at
from ablate.train.batches import chosen
from ablate.train.inference import settle_statistics
from ablate.train.optimizers import Optimizer, update
from ablate.train.penalties import activation_penalty
from ablate.train.prepare import Batch, Stack
from ablate.train.pulls import Pulls


def take_step(
    stack: Stack, optimizer: Optimizer, batch: Batch, lr: float, pulls: Pulls | None = None
) -> Tensor:
    """Update all replicates from one batch; return their losses (R,) before the step.

    pulls  what a penalty pulls, as the network started, see `ablate.train.pulls`
    """
    config = stack.config
    if getattr(config.model, "statistics", None) == "every_step":
        batch = replace(batch, inputs=batch.inputs.clone())  # others pass through its room
        settle_statistics(stack)
    if isinstance(optimizer, torch.optim.LBFGS):
        seen: list[Tensor] = []

        def closure() -> Tensor:
            optimizer.zero_grad(set_to_none=True)
            loss, objective = _losses(stack, batch)
            if pulls is not None:
                objective = objective + pulls.value()
            objective.sum().backward()  # type: ignore[no-untyped-call]
            seen.append(loss.detach())
            return objective.detach().sum()

        update(optimizer, lr, config.penalty, None, closure)
        return seen[0]
    loss, objective = _losses(stack, batch)
    # Each replicate's loss depends on its own parameters alone, so the gradient of the sum is
    # every replicate's own gradient.
    objective.backward(torch.ones_like(objective))  # type: ignore[no-untyped-call]
    clip_norm = getattr(config.optimizer, "clip_norm", None)
    update(optimizer, lr, config.penalty, clip_norm, pulls=pulls)
    return loss.detach()


def set_dropout(stack: Stack, step: int) -> None:
    """Set what is dropped in the step that comes after `step` others, where that changes."""
    model = stack.config.model
    if not isinstance(model, ChainConfig) or model.dropout_schedule == "constant":
        return
    share = share_at(model.dropout_schedule, model.dropout_until, step / stack.steps)
    for module in stack.network.modules():
        if isinstance(module, Dropout):
            module.at(share)


def _losses(stack: Stack, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the loss (R,) and what is minimized: with those of heads and of activations."""
    penalty = stack.config.penalty
    hidden: list[Tensor] = []
    tap = (lambda _, __, h: hidden.append(h)) if isinstance(penalty, ActivationL1) else None
    with stack.autocast():
        if stack.heads is None or batch.shown is None:
            outputs, beside = stack.network(batch.inputs, tap), None
        else:
            outputs, beside = stack.heads.outputs(stack.network, batch.inputs, batch.shown, tap)
    loss = stack.loss(outputs, batch.targets)
    if batch.mix is not None:
        other = stack.loss(outputs, chosen(batch.targets, batch.mix.partner))
        loss = batch.mix.share * loss + (1 - batch.mix.share) * other
    objective = loss
    if stack.heads is not None and batch.shown is not None and beside is not None:
        objective = loss + stack.heads.loss(beside, batch.inputs, batch.shown, batch.mix)
    if isinstance(penalty, ActivationL1):
        for h in hidden:
            objective = objective + activation_penalty(penalty.strength, h)
    return loss, objective
