"""Activations, each with its saturation rule; their gains are in `ablate.nn.scales`.

Several are written in a form that gives a replicate the same bits alone and in a stack: torch's
vectorized sigmoid, elu and selu treat the last elements of a tensor by other instructions than
the rest, so a replicate's numbers would depend on where it lies in the stack.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ablate.nn.scales import LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE, VLRELU_SLOPE


@dataclass(frozen=True)
class Elementwise:
    """One elementwise function (prelu and maxout have parameters or pieces: see `layers`).

    function   pre-activation to activation
    saturated  marks the activations that lie where the function is flat; None: nowhere
    """

    function: Callable[[Tensor], Tensor]
    saturated: Callable[[Tensor], Tensor] | None = None


def sigmoid(z: Tensor) -> Tensor:
    """Return 1/(1 + exp(-z)), by tanh."""
    return torch.tanh(z * 0.5) * 0.5 + 0.5


def elu(z: Tensor) -> Tensor:
    """Return z above zero and exp(z) - 1 below."""
    return torch.where(z > 0, z, torch.expm1(z.clamp(max=0)))


def selu(z: Tensor) -> Tensor:
    """Return the self-normalizing elu (Klambauer et al. 2017)."""
    return SELU_SCALE * torch.where(z > 0, z, SELU_ALPHA * torch.expm1(z.clamp(max=0)))


def _linear(z: Tensor) -> Tensor:
    return z


#: Every activation of `ablate.config.model.Activation`; prelu and maxout are linear here.
ELEMENTWISE: dict[str, Elementwise] = {
    "linear": Elementwise(_linear),
    "sigmoid": Elementwise(sigmoid, lambda h: (h < 0.05) | (h > 0.95)),
    "tanh": Elementwise(torch.tanh, lambda h: h.abs() > 0.95),
    "relu": Elementwise(torch.relu),
    "vlrelu": Elementwise(lambda z: functional.leaky_relu(z, VLRELU_SLOPE)),
    "leaky_relu": Elementwise(lambda z: functional.leaky_relu(z, LEAKY_SLOPE)),
    "prelu": Elementwise(_linear),
    "elu": Elementwise(elu),
    "selu": Elementwise(selu),
    "gelu": Elementwise(functional.gelu),
    "maxout": Elementwise(_linear),
}
