"""Signal propagation at initialization: mean-field theory.

For layers of many units, pre-activations are Gaussian with variance
q_l = fan_in var(w) E[h_{l-1}^2], so that every moment of the activation h = phi(z) is an integral
over one Gaussian (He et al. 2015; Poole et al. 2016). Gradients obey
E[d_{l-1}^2] = fan_out var(w) E[phi'(z_{l-1})^2] E[d_l^2], d_l = dL/dh_l with the derivative of
layer l taken in: see `theory`.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.config import RunConfig
from ablate.config.data import Synthetic
from ablate.config.init import Constant, InitConfig, Lsuv, Orthogonal, OrthogonalHe
from ablate.config.model import Mlp
from ablate.data import inputs_of
from ablate.nn import scales

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Floats]

#: Digits of an integral that are kept: exp and the nodes differ between processors in the 16th,
#: and figures and verdicts must not.
_DIGITS = 10
#: Panels of the quadrature, each half as long as the next, and Gauss-Legendre nodes in each.
_PANELS, _NODES = 48, 16


def _half_line() -> tuple[Floats, Floats]:
    """Return nodes and weights for integrals over (0, 12), beyond which N(0, 1) has 1e-32.

    Panels shrink towards zero: the derivative of a saturated tanh or sigmoid lives in a sliver
    there, of which Gauss-Hermite with 201 nodes sees nothing. Its poles lie at 0 + i s, three
    half lengths of any panel away at least, so that 16 nodes err by 6^-32 (Trefethen 2013,
    theorem 19.3); halves meet at the kinks.
    """
    x, w = np.polynomial.legendre.leggauss(_NODES)
    ends = 12 * 0.5 ** np.arange(_PANELS + 1)
    starts, lengths = np.append(ends[1:], 0.0), ends - np.append(ends[1:], 0.0)
    nodes = starts[:, None] + lengths[:, None] * (1 + x) / 2
    return nodes.ravel(), (lengths[:, None] / 2 * w).ravel()


_POSITIVE, _WEIGHTS = _half_line()
_Z = np.concatenate([-_POSITIVE, _POSITIVE])
_DENSITY = np.tile(_WEIGHTS, 2) * np.exp(-(_Z**2) / 2) / math.sqrt(2 * math.pi)


def _expected(values: Floats) -> float:
    """Return E[f(z)], z ~ N(0, 1), of the values of f at `_Z`: the same on every processor."""
    return float(f"{math.fsum(_DENSITY * values):.{_DIGITS}g}")


def _sigmoid_slope(z: Floats) -> Floats:
    value: Floats = special.expit(z)
    return value * (1 - value)


def _elu(alpha: float, scale: float) -> tuple[Function, Function]:
    return (
        lambda z: scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z: scale * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
    )


#: Slopes left of zero of those that are straight on both sides.
_SLOPES = {
    "linear": 1.0,
    "relu": 0.0,
    "vlrelu": scales.VLRELU_SLOPE,
    "leaky_relu": scales.LEAKY_SLOPE,
    "prelu": scales.PRELU_SLOPE,
}
#: The others, each with its derivative.
_FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "sigmoid": (special.expit, _sigmoid_slope),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(np.clip(z, -300, 300)) ** 2),
    "elu": _elu(1.0, 1.0),
    "selu": _elu(scales.SELU_ALPHA, scales.SELU_SCALE),
    "gelu": (
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    ),
}


@dataclass(frozen=True)
class Moments:
    """Of h = phi(z), z ~ N(0, q): mean, E[h^2], and E[phi'(z)^2]."""

    mean: float
    second: float
    slope: float

    @property
    def std(self) -> float:
        """Standard deviation of h."""
        return math.sqrt(max(self.second - self.mean**2, 0.0))


def moments(activation: str, q: float, pieces: int = 2) -> Moments:
    """Return the moments of an activation of N(0, q); maxout takes `pieces` independent inputs.

    Those of rectifiers in closed form, others to ten digits. The largest of several inputs has
    the density pieces Phi(z)^(pieces - 1) phi(z).
    """
    root = math.sqrt(q)
    if activation in _SLOPES:
        left = _SLOPES[activation]
        half = (1 + left**2) / 2
        return Moments((1 - left) * root / math.sqrt(2 * math.pi), q * half, half)
    if activation == "maxout":
        largest = pieces * special.ndtr(_Z) ** (pieces - 1)
        return Moments(root * _expected(largest * _Z), q * _expected(largest * _Z**2), 1.0)
    function, slope = _FUNCTIONS[activation]
    z = root * _Z
    h = function(z)
    return Moments(_expected(h), _expected(h**2), _expected(slope(z) ** 2))


@dataclass(frozen=True, eq=False)
class Theory:
    """Per hidden layer, first to last.

    activation_std  of h
    gradient_std    of dL/dh, relative to the last hidden layer
    """

    activation_std: Floats
    gradient_std: Floats


def has_theory(config: RunConfig) -> bool:
    """Tell whether there is a theory here.

    There is none of convolutions, normalization, dropout, constant weights (all units of a layer
    are one), biases that start elsewhere than at zero, inputs that are not of unit variance, and of
    what a training procedure of the user's own makes of the config.
    """
    model, data = config.model, config.data
    if config.trainer.is_user_code:
        return False
    plain = isinstance(model, Mlp) and model.norm == "none"
    dropped = isinstance(model, Mlp) and model.drops
    unit = data.normalize is True or (isinstance(data, Synthetic) and data.separation == 0)
    drawn = not isinstance(config.init, Constant) and not config.init.bias
    return plain and not dropped and unit and drawn


def theory(config: RunConfig) -> Theory | None:
    """Return what an infinitely wide network of this config would show before training.

    None where `has_theory` says so.
    """
    if not has_theory(config):
        return None
    assert isinstance(config.model, Mlp)
    return _theory(config.model, config.init, math.prod(inputs_of(config.data)))


@lru_cache(maxsize=1024)
def _theory(model: Mlp, init: InitConfig, inputs: int) -> Theory:
    # By what it depends on: cells that differ in how they are trained have one theory.
    pieces = model.pieces if model.activation == "maxout" else 1
    fan_ins = [inputs, *model.widths[:-1]]
    second = 1.0
    stds, factors = [], []
    for fan_in, width in zip(fan_ins, model.widths, strict=True):
        variance = _variance(init, model.activation, fan_in, width * pieces, second)
        layer = moments(model.activation, fan_in * variance * second, model.pieces)
        second = layer.second
        stds.append(layer.std)
        factors.append(math.sqrt(width * variance * layer.slope))
    # dL/dh_{l-1} = W_l (phi'(z_l) dL/dh_l): each unit of layer l sends one piece back.
    gradients = list(accumulate(factors[:0:-1], operator.mul, initial=1.0))
    return Theory(np.array(stds), np.array(gradients[::-1]))


def _variance(init: InitConfig, activation: str, fan_in: int, fan_out: int, second: float) -> float:
    """Return var(w), with `init.scale`; `second` is E[h^2] of the layer's input."""
    if isinstance(init, Lsuv):  # whatever makes the pre-activation's variance 1
        return init.scale**2 / (fan_in * second)
    if isinstance(init, Orthogonal | OrthogonalHe):
        # Orthonormal along the longer side: E[w^2] = 1/max(fan_in, fan_out).
        gain = 1.0 if isinstance(init, Orthogonal) else scales.gain_of(init.gain, activation)
        return (init.scale * gain) ** 2 / max(fan_in, fan_out)
    variance = scales.weight_variance(init, activation, fan_in, fan_out)
    assert variance is not None
    return init.scale**2 * variance
