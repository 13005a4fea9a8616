"""Optimizers, with the parameter groups that this package needs."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ablate import user
from ablate.config import optimizer as kinds
from ablate.config.penalty import PenaltyConfig
from ablate.config.target import Target
from ablate.errors import ConfigError
from ablate.streams import Streams
from ablate.train import fused
from ablate.train.adam import UncorrectedAdam
from ablate.train.averaging import Averaged
from ablate.train.eager import eager
from ablate.train.fused import Fused
from ablate.train.penalties import add_gradients, is_weight, project
from ablate.train.pulls import Pulls
from ablate.train.rmsprop import NesterovRmsProp

#: What takes steps: `param_groups` with `lr`, and `step()`.
Optimizer = torch.optim.Optimizer | Fused | Averaged

#: Decoupled decay of a parameter group; no keyword of an optimizer of the user's own.
_SHRINK = "decoupled weight decay"


def build_optimizer(
    config: kinds.OptimizerConfig | Target,
    parameters: Iterable[tuple[str, Tensor]],
    streams: Streams | None = None,
) -> Optimizer:
    """Return the optimizer of `config` over named parameters (R, ...).

    streams  what one of the user's own draws from, made and at each step

    Weights decay; biases and the parameters of norms and PReLU never do. With `decoupled`,
    weights shrink by lr * weight_decay beside the step (Loshchilov & Hutter 2019, algorithms 1
    and 2): torch has it for Adam, `update` does it for the others.

    Tensors are updated by fused kernels where torch has them, twice as fast and more, else by
    foreach; a replicate has the same bits in any stack. An optimizer of the user's own is given
    the parameters (1, ...) alone. Raises ValueError for L-BFGS over more than one replicate: they
    would share steps.
    """
    if isinstance(config, Target):
        streams = streams or Streams(0, 0)
        with streams.seeded("optimizer", "made"):
            made = user.call(config, "optimizer", [parameter for _, parameter in parameters])
        if not isinstance(made, torch.optim.Optimizer):
            raise ConfigError(
                f"optimizer={config.name} gives a {type(made).__name__}; it must be a "
                "torch.optim.Optimizer."
            )
        _draw_by_step(made, streams)
        return made
    if isinstance(config, kinds.Lbfgs):
        return _lbfgs(config, [parameter for _, parameter in parameters])
    optimizer = _of_first_order(config, parameters)
    if config.average_over > 1:
        return Averaged(optimizer, config.average_over, config.average_window)
    return optimizer


def _of_first_order(
    config: kinds.FirstOrder, parameters: Iterable[tuple[str, Tensor]]
) -> torch.optim.Optimizer | Fused:
    uncorrected = config.name == "adam_uncorrected"
    shrinks = config.decoupled and (uncorrected or not isinstance(config, kinds.Adam))
    groups = _groups(config, parameters, shrinks)
    momentum = getattr(config, "momentum", 0.0)
    match config:
        case kinds.Adam():
            betas = (config.beta1, config.beta2)
            if uncorrected:
                return eager(UncorrectedAdam)(
                    groups, {"lr": config.lr, "betas": betas, "eps": config.eps}
                )
            return Fused(groups, fused.adam(config.decoupled, *betas, config.eps), states=2)
        case kinds.Adagrad():
            return Fused(groups, fused.adagrad(config.eps), states=1)
        case kinds.RmsPropMomentum(nesterov=True):
            settings = {"lr": config.lr, "alpha": config.alpha, "eps": config.eps}
            return eager(NesterovRmsProp)(groups, settings | {"momentum": momentum})
        case kinds.RmsProp():
            return eager(torch.optim.RMSprop)(
                groups, config.lr, config.alpha, config.eps, 0.0, momentum
            )
        case kinds.Adadelta():
            return eager(torch.optim.Adadelta)(groups, lr=config.lr, rho=config.rho, eps=config.eps)
        case _:
            nesterov = config.name == "nesterov" and momentum > 0
            # b v + (1 - b) g from v = 0 is 1 - b times b v + g: as far at that share of the rate.
            averages = getattr(config, "exponential_average", False)
            kernel = fused.sgd(momentum, nesterov, 1 - momentum if averages else 1.0)
            return Fused(groups, kernel, states=int(momentum > 0))


def update(
    optimizer: Optimizer,
    lr: float,
    penalty: PenaltyConfig,
    clip_norm: float | None,
    closure: Callable[[], Tensor] | None = None,
    pulls: Pulls | None = None,
) -> None:
    """Take one step at learning rate `lr` from the parameters' gradients, then drop these.

    closure  returns the loss, gradients set, where L-BFGS searches along its directions
    pulls    what a penalty pulls, where it has to know the network

    Where gradients of several batches are averaged that comes first, and before it is time for a
    step nothing moves. The gradient of the loss is clipped next; the penalty's joins it
    afterwards, and weight decay after that, as in torch when clipping stands before the step.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if isinstance(optimizer, Averaged) and not optimizer.gather():
        for parameter in parameters:
            parameter.grad = None
        return
    # Frozen ones stay what they are.
    weights = [p for p in parameters if p.requires_grad and is_weight(p)]
    if clip_norm is not None:
        clip(parameters, clip_norm)
    add_gradients(penalty, weights)
    if pulls is not None:
        pulls.add_gradients()
    for group in optimizer.param_groups:
        group["lr"] = lr
        if group.get(_SHRINK):  # not there in an optimizer of the user's own
            with torch.no_grad():
                torch._foreach_mul_(group["params"], 1 - lr * group[_SHRINK])
    if closure is None:
        optimizer.step()
    else:
        optimizer.step(closure)  # type: ignore[arg-type, call-arg]
    project(penalty, weights, lr)
    for parameter in parameters:
        parameter.grad = None


def _draw_by_step(optimizer: torch.optim.Optimizer, streams: Streams) -> None:
    """Give each step of an optimizer of the user's own a stream for what it draws."""
    step, numbers = optimizer.step, itertools.count()

    def own(*closure: Any) -> Any:
        device = optimizer.param_groups[0]["params"][0].device
        with streams.seeded("optimizer", next(numbers), device):
            return step(*closure)

    optimizer.step = own  # type: ignore[assignment]


@torch.no_grad()
def clip(parameters: Sequence[Tensor], limit: float) -> None:
    """Scale each replicate's gradient over all parameters (R, ...) down to norm `limit`.

    Norms are taken within a replicate first, so that its bits do not depend on the stack, and a
    gradient that is not finite spoils its own replicate only.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]
    total = torch.stack(norms, dim=1).norm(dim=1)
    scale = torch.where(total > limit, limit / total, torch.ones_like(total))
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.ndim - 1)))


def _groups(
    config: Any, parameters: Iterable[tuple[str, Tensor]], shrinks: bool
) -> list[dict[str, Any]]:
    members: dict[bool, list[Tensor]] = {}
    for _, parameter in parameters:
        decayed = config.weight_decay > 0 and parameter.requires_grad and is_weight(parameter)
        members.setdefault(decayed, []).append(parameter)
    return [
        {
            "params": tensors,
            "lr": config.lr,
            "weight_decay": config.weight_decay if decayed and not shrinks else 0.0,
            _SHRINK: config.weight_decay if decayed and shrinks else 0.0,
            "foreach": True,  # where torch has no fused kernel
        }
        for decayed, tensors in members.items()
    ]


def _lbfgs(config: kinds.Lbfgs, parameters: list[Tensor]) -> torch.optim.LBFGS:
    if any(len(parameter) > 1 for parameter in parameters):
        raise ValueError("L-BFGS trains one replicate at a time: a stack would share its steps")
    return eager(torch.optim.LBFGS)(
        parameters,
        lr=config.lr,
        max_iter=config.iterations,
        # Per iteration, as a line search may take; torch's default would starve the last ones.
        max_eval=25 * config.iterations,
        history_size=config.history,
        line_search_fn="strong_wolfe",
    )
