"""Bias and variance of ridge regression over many training sets, measured beside closed forms.

What is learnt is f(x) = sin(2 pi x) on [-1, 1], from n examples at even distance with noise of
deviation s; what learns it, Legendre polynomials up to a degree, whose coefficients but the
constant are penalized by n alpha |w|^2. Predictions are S y, S = T (P'P + n alpha D)^-1 P', with
polynomials P (n, d) at the examples and T (m, d) where it predicts, so that (Hastie et al. 2009,
section 7.3)

bias^2     mean (S f - f)^2
variance   s^2 mean of the row sums of S^2

and the squared error against f is their sum.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from ablate.config import RunConfig
from ablate.errors import ConfigError
from ablate.records import Outcome
from ablate.streams import Streams

Floats = npt.NDArray[np.float64]
#: Places at which predictions are looked at.
_PLACES = 200


def truth(x: Floats) -> Floats:
    """Return what is to be learnt at x."""
    return np.asarray(np.sin(2 * math.pi * x))


def smoother(degree: int, strength: float, examples: int, places: Floats) -> Floats:
    """Return S (m, n), which makes predictions at `places` (m,) of n targets."""
    at_examples = legendre.legvander(np.linspace(-1, 1, examples), degree)
    penalty = np.eye(degree + 1) * examples * strength
    penalty[0, 0] = 0
    inverse = np.linalg.solve(at_examples.T @ at_examples + penalty, at_examples.T)
    return np.asarray(legendre.legvander(places, degree) @ inverse)


def fit_many(
    _config: RunConfig,
    _data: Any,
    streams: Streams,
    degree: int,
    strength: float = 0.0,
    examples: int = 30,
    noise: float = 0.5,
    sets: int = 1000,
) -> Outcome:
    """Fit as many training sets as `sets`, as the training procedure of a study.

    A replicate draws their noise. Metrics, means over 200 places: `bias2`, the squared distance of
    the mean prediction from the truth, less what the mean of so many has by chance; `variance` of
    predictions about their mean; `error`, their squared distance from the truth; `bias2_formula`
    and `variance_formula`, the closed forms. Raises ConfigError where there are not more examples
    than coefficients, or fewer than two sets.
    """
    if not 0 <= degree < examples - 1:
        raise ConfigError(
            f"trainer.degree={degree} is not allowed: it must be from 0 to {examples - 2}, two "
            "less than trainer.examples."
        )
    if sets < 2:
        raise ConfigError(f"trainer.sets={sets} is not allowed: it must be at least 2.")
    places = np.linspace(-1, 1, _PLACES)
    matrix, there = smoother(degree, strength, examples, places), truth(places)
    clean = truth(np.linspace(-1, 1, examples))
    drawn = noise * streams.numpy("init", "targets").standard_normal((sets, examples))
    predictions = (clean + drawn) @ matrix.T
    variance = predictions.var(axis=0, ddof=1).mean()
    metrics = {
        "bias2": np.square(predictions.mean(axis=0) - there).mean() - variance / sets,
        "variance": variance,
        "error": np.square(predictions - there).mean(),
        "bias2_formula": np.square(matrix @ clean - there).mean(),
        "variance_formula": noise**2 * np.square(matrix).sum(axis=1).mean(),
    }
    return Outcome({name: float(value) for name, value in metrics.items()}, converged=True)
