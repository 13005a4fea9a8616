"""Optimizers whose step is one call of a fused kernel for all tensors of a parameter group."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# A fused kernel computes what does not fill a vector with other instructions. In a stack those
# would fall on other elements than alone, so each replicate fills its vectors: 16 floats are the
# widest there are (AVX-512).
_VECTOR = 16

#: Updates tensors in place: a group's settings, values, gradients, states by kind, steps taken.
Kernel = Callable[
    [dict[str, Any], list[Tensor], list[Tensor], list[list[Tensor]], list[Tensor]], None
]


@dataclass(frozen=True, eq=False)
class _Padding:
    """Room for a parameter whose replicates do not fill their vectors.

    gradient  what the kernel takes, (R, n), zero behind the parameter's own
    into      the part of `gradient` that holds the gradient, in the parameter's shape
    own       the part of `_Slot.values` that holds the parameter, likewise
    """

    gradient: Tensor
    into: Tensor
    own: Tensor


@dataclass(frozen=True, eq=False)
class _Slot:
    """What a step touches of one parameter (R, ...).

    values    what the kernel updates: the parameter, or room (R, n) that fills its vectors
    states    like `values`, zero at the start
    count     steps taken, a scalar
    padding   None where the parameter is taken as it is
    """

    parameter: Tensor
    values: Tensor
    states: tuple[Tensor, ...]
    count: Tensor
    padding: _Padding | None


class Fused:
    """torch's Adam, AdamW, SGD and Adagrad by the same kernels, each tensor's state at hand.

    `torch.optim` looks up the state of each tensor in every step and sorts the tensors by device:
    that took 2.4 times as long as the kernels in a stack of eight small networks, 5 times alone.
    A parameter without a gradient stays as it is, as there.
    """

    def __init__(self, groups: list[dict[str, Any]], kernel: Kernel, states: int) -> None:
        """Take parameter groups with `params` and all that `kernel` reads of them.

        states  numbers that are kept for each weight
        """
        self.param_groups, self._kernel = groups, kernel
        self._slots = [[_slot(p, states) for p in group["params"]] for group in groups]

    @torch.no_grad()
    def step(self) -> None:
        """Take one step from the gradients."""
        for group, slots in zip(self.param_groups, self._slots, strict=True):
            live = [slot for slot in slots if slot.parameter.grad is not None]
            if live:
                self._update(group, live)

    def _update(self, group: dict[str, Any], slots: Sequence[_Slot]) -> None:
        padded = [(slot.parameter, slot.padding) for slot in slots if slot.padding is not None]
        owners, rooms = [one for one, _ in padded], [padding.own for _, padding in padded]
        if padded:
            own: list[Any] = [parameter.grad for parameter in owners]
            torch._foreach_copy_(rooms, owners)
            torch._foreach_copy_([padding.into for _, padding in padded], own)
        gradients: list[Any] = [
            slot.parameter.grad if slot.padding is None else slot.padding.gradient for slot in slots
        ]
        counts = [slot.count for slot in slots]
        torch._foreach_add_(counts, 1)
        states = [list(kind) for kind in zip(*(slot.states for slot in slots), strict=True)]
        self._kernel(group, [slot.values for slot in slots], gradients, states, counts)
        if padded:
            torch._foreach_copy_(owners, rooms)


def adam(decoupled: bool, beta1: float, beta2: float, eps: float) -> Kernel:
    """Return the step of Adam (Kingma & Ba 2015), or of AdamW (Loshchilov & Hutter 2019)."""
    fused: Callable[..., None] = torch._fused_adamw_ if decoupled else torch._fused_adam_
    return lambda group, values, gradients, states, counts: fused(
        values, gradients, *states, [], counts, lr=group["lr"], beta1=beta1, beta2=beta2,
        weight_decay=group["weight_decay"], eps=eps, amsgrad=False, maximize=False,
    )  # fmt: skip


def sgd(momentum: float, nesterov: bool, scale: float = 1.0) -> Kernel:
    """Return the step of SGD with heavy-ball or Nesterov's momentum, as torch defines them.

    scale  the share of the learning rate that a step goes
    """
    # Never a first step: a velocity that starts from zero is the same.
    return lambda group, values, gradients, states, counts: torch._fused_sgd_(
        values, gradients, states[0] if states else [], lr=group["lr"] * scale, momentum=momentum,
        weight_decay=group["weight_decay"], dampening=0.0, nesterov=nesterov, maximize=False,
        is_first_step=False,
    )  # fmt: skip


def adagrad(eps: float) -> Kernel:
    """Return the step of Adagrad (Duchi et al. 2011)."""
    return lambda group, values, gradients, states, counts: torch._fused_adagrad_(
        values, gradients, states[0], counts, lr=group["lr"], lr_decay=0.0,
        weight_decay=group["weight_decay"], eps=eps, maximize=False,
    )  # fmt: skip


def _slot(parameter: Tensor, states: int) -> _Slot:
    """Return the slot of a parameter; one that does not fill its vectors gets room that does."""
    size = math.prod(parameter.shape[1:])
    values, padding = parameter.detach(), None
    if size % _VECTOR:
        shape = (len(parameter), size + -size % _VECTOR)
        values = torch.zeros(shape, device=parameter.device, dtype=parameter.dtype)
        gradient = torch.zeros_like(values)
        into, own = (room[:, :size].view(parameter.shape) for room in (gradient, values))
        padding = _Padding(gradient, into, own)
    return _Slot(
        parameter=parameter,
        values=values,
        states=tuple(torch.zeros_like(values) for _ in range(states)),
        count=torch.zeros((), device=parameter.device),
        padding=padding,
    )
