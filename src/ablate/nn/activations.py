"""Activations, each with the gain that keeps the second moment and its saturation rule.

Several are written in a form that gives a replicate the same bits alone and in a stack: torch's
vectorized sigmoid, elu and selu treat the last elements of a tensor by other instructions than
the rest, so a replicate's numbers would depend on where it lies in the stack.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

VLRELU_SLOPE = 1 / 3
LEAKY_SLOPE = 0.01
PRELU_SLOPE = 0.25
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@dataclass(frozen=True)
class Activation:
    """One elementwise function (prelu and maxout have parameters or pieces: see `layers`).

    function   pre-activation to activation
    gain       He's factor: weights of variance gain^2/fan_in keep E[h^2] from layer to layer
               for the functions He's derivation covers; torch's convention for the others
    saturated  marks the activations that lie where the function is flat; None: nowhere
    """

    function: Callable[[Tensor], Tensor]
    gain: float
    saturated: Callable[[Tensor], Tensor] | None = None


def leaky_gain(slope: float) -> float:
    """Return sqrt(2/(1 + slope^2)) (He et al. 2015, equation 15)."""
    return math.sqrt(2 / (1 + slope**2))


def sigmoid(z: Tensor) -> Tensor:
    """Return 1/(1 + exp(-z)), by tanh."""
    return torch.tanh(z * 0.5) * 0.5 + 0.5


def elu(z: Tensor) -> Tensor:
    """Return z above zero and exp(z) - 1 below."""
    return torch.where(z > 0, z, torch.expm1(z.clamp(max=0)))


def selu(z: Tensor) -> Tensor:
    """Return the self-normalizing elu (Klambauer et al. 2017)."""
    return _SELU_SCALE * torch.where(z > 0, z, _SELU_ALPHA * torch.expm1(z.clamp(max=0)))


def _linear(z: Tensor) -> Tensor:
    return z


#: Every activation of `ablate.config.model.Activation`. The gains of elu and gelu are
#: 1/sqrt(E[phi(z)^2]) for z ~ N(0, 1), by quadrature: torch has no convention for them.
ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(_linear, 1.0),
    "sigmoid": Activation(sigmoid, 1.0, lambda h: (h < 0.05) | (h > 0.95)),
    "tanh": Activation(torch.tanh, 5 / 3, lambda h: h.abs() > 0.95),
    "relu": Activation(torch.relu, math.sqrt(2)),
    "vlrelu": Activation(
        lambda z: functional.leaky_relu(z, VLRELU_SLOPE), leaky_gain(VLRELU_SLOPE)
    ),
    "leaky_relu": Activation(
        lambda z: functional.leaky_relu(z, LEAKY_SLOPE), leaky_gain(LEAKY_SLOPE)
    ),
    "prelu": Activation(_linear, leaky_gain(PRELU_SLOPE)),
    "elu": Activation(elu, 1.2451983007),
    "selu": Activation(selu, 0.75),
    "gelu": Activation(functional.gelu, 1.5335304412),
    "maxout": Activation(_linear, 1.0),
}
