"""The variance of the weights by scheme, and the gain of each activation. No torch here."""

import math

from ablate.config import init

VLRELU_SLOPE = 1 / 3
LEAKY_SLOPE = 0.01
PRELU_SLOPE = 0.25
#: Of the self-normalizing elu (Klambauer et al. 2017).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def leaky_gain(slope: float) -> float:
    """Return sqrt(2/(1 + slope^2)) (He et al. 2015, equation 15)."""
    return math.sqrt(2 / (1 + slope**2))


#: He's factor: weights of variance gain^2/fan_in keep E[h^2] from layer to layer where He's
#: derivation holds; for tanh and selu torch's convention; for elu and gelu, which have none,
#: 1/sqrt(E[phi(z)^2]) with z ~ N(0, 1).
GAINS: dict[str, float] = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "vlrelu": leaky_gain(VLRELU_SLOPE),
    "leaky_relu": leaky_gain(LEAKY_SLOPE),
    "prelu": leaky_gain(PRELU_SLOPE),
    "elu": 1.2451983007,
    "selu": 0.75,
    "gelu": 1.5335304412,
    "maxout": 1.0,
}


def weight_variance(
    config: init.InitConfig, activation: str, fan_in: int, fan_out: int
) -> float | None:
    """Return var(w) at scale 1; None where it follows from no fan (orthogonal, lsuv)."""
    if isinstance(config, init.Zeros | init.Constant):
        return 0.0
    if isinstance(config, init.Normal):
        return config.std**2
    if isinstance(config, init.Uniform):
        bound = 1 / math.sqrt(fan_in) if config.bound is None else config.bound
        return bound**2 / 3
    if isinstance(config, init.Lecun | init.CaffeXavier):
        return 1 / fan_in
    fans = {"average": (fan_in + fan_out) / 2, "fan_in": fan_in, "fan_out": fan_out}
    if isinstance(config, init.Xavier):
        return 1 / fans[config.mode]
    if isinstance(config, init.He):
        return gain_of(config.gain, activation) ** 2 / fans[config.mode]
    if isinstance(config, init.RandomWalk):
        return random_walk_gain(activation, fan_in) ** 2 / fan_in
    return None


def gain_of(gain: init.Gain, activation: str) -> float:
    """Return the factor that `init.gain` asks for: the activation's own, ReLU's or 1."""
    return GAINS[activation if gain == "activation" else gain]


def random_walk_gain(activation: str, width: int) -> float:
    """Return the gain that keeps the expected log-norm over depth (Sussillo & Abbott 2014).

    sqrt(2) exp(1.2 / (max(N, 6) - 2.4)) for rectifiers, exp(1 / (2N)) for others, N the width.
    """
    if activation in ("relu", "vlrelu", "leaky_relu", "prelu"):
        return GAINS[activation] * math.exp(1.2 / (max(width, 6) - 2.4))
    return math.exp(1 / (2 * width))
