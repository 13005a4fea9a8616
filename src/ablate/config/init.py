"""The `init` group: how weights are drawn, and where biases start.

Every scheme multiplies its weights by `scale`; biases are drawn by none.
"""

from typing import Literal

from ablate.config.base import ByName, Frozen, NonNegativeFloat, Positive, PositiveFloat

Distribution = Literal["normal", "uniform"]
#: `activation`: the gain that keeps the second moment through the model's activation.
Gain = Literal["activation", "relu", "linear"]


class _Init(Frozen):
    scale: PositiveFloat = 1.0
    bias: float = 0.0
    """At which every bias starts, of the output layer as well; the shifts of normalization start at
    zero whatever this is."""


class Zeros(_Init):
    """All weights zero."""

    name: Literal["zeros"]


class Constant(_Init):
    """All weights `value`: every unit of a layer is a clone of its neighbour."""

    name: Literal["constant"]
    value: float = 0.01


class Normal(_Init):
    """w ~ N(0, std^2), whatever the layer's size."""

    name: Literal["normal"]
    std: NonNegativeFloat = 0.01


class Uniform(_Init):
    """w ~ U(-bound, bound); null: 1/sqrt(fan_in), the old standard."""

    name: Literal["uniform"]
    bound: PositiveFloat | None = None


class Lecun(_Init):
    """var(w) = 1/fan_in (LeCun et al. 1998)."""

    name: Literal["lecun"]
    distribution: Distribution = "normal"


class CaffeXavier(_Init):
    """What Caffe calls xavier: uniform with var(w) = 1/fan_in."""

    name: Literal["caffe_xavier"]


class Xavier(_Init):
    """Glorot & Bengio 2010: var(w) = 1/fan, `average`: 2/(fan_in + fan_out)."""

    name: Literal["xavier"]
    distribution: Distribution = "normal"
    mode: Literal["average", "fan_in", "fan_out"] = "average"


class He(_Init):
    """He et al. 2015: var(w) = gain^2/fan."""

    name: Literal["he"]
    distribution: Distribution = "normal"
    mode: Literal["fan_in", "fan_out"] = "fan_in"
    gain: Gain = "activation"


class Orthogonal(_Init):
    """Saxe et al. 2014: orthonormal rows or columns, gain 1."""

    name: Literal["orthogonal"]


class OrthogonalHe(_Init):
    """Orthonormal times He's gain sqrt(2/(1 + a^2)): "OrthoNorm-MSRA scaled" (Mishkin & Matas)."""

    name: Literal["orthogonal_he"]
    gain: Gain = "activation"


class Lsuv(_Init):
    """Mishkin & Matas 2016: orthonormal, then scaled layer by layer to unit output variance."""

    name: Literal["lsuv"]
    tolerance: PositiveFloat = 0.02
    max_iterations: Positive = 20


class RandomWalk(_Init):
    """Sussillo & Abbott 2014: a gain that keeps the expected log-norm of the gradient."""

    name: Literal["random_walk"]


InitConfig = ByName[
    Zeros | Constant | Normal | Uniform | Lecun | CaffeXavier | Xavier | He
    | Orthogonal | OrthogonalHe | Lsuv | RandomWalk
]  # fmt: skip
