"""Bias and variance of polynomials: closed forms, scikit-learn's ridge, and the identity."""

import math

import numpy as np
import pytest
from numpy.polynomial import legendre
from sklearn.linear_model import Ridge

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.bias_variance import fit_many, smoother, truth
from ablate.streams import Streams

PLACES = np.linspace(-1, 1, 200)


def metrics(replicate: int = 0, **arguments) -> dict[str, float]:
    config = run_config(
        {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
    )
    return dict(fit_many(config, None, Streams(0, replicate), **arguments).metrics)


@pytest.mark.parametrize("strength", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("degree", [0, 1, 6])
def test_predictions_are_those_of_ridge_regression(degree: int, strength: float) -> None:
    x, y = np.linspace(-1, 1, 25), np.random.default_rng(0).standard_normal(25)
    # Its intercept is not penalized, and its strength is not per example.
    model = Ridge(alpha=25 * strength + 1e-12)
    model.fit(legendre.legvander(x, degree), y)
    expected = model.predict(legendre.legvander(PLACES, degree))
    assert smoother(degree, strength, 25, PLACES) @ y == pytest.approx(expected, abs=1e-9)


def test_the_variance_of_a_mean_and_of_least_squares() -> None:
    found = metrics(degree=0, examples=30, noise=0.5)
    assert found["variance_formula"] == pytest.approx(0.25 / 30, rel=1e-12)
    # A sine over whole periods has the mean 0, at even distance but for the ends.
    assert found["bias2_formula"] == pytest.approx(np.square(truth(PLACES)).mean(), rel=1e-12)
    # At the examples themselves the trace of a projection on d + 1 coefficients.
    matrix = smoother(6, 0.0, 30, np.linspace(-1, 1, 30))
    assert np.square(matrix).sum() == pytest.approx(7, rel=1e-9)


@pytest.mark.parametrize("replicate", [0, 3])
@pytest.mark.parametrize(("degree", "strength"), [(3, 0.0), (7, 0.0), (15, 0.01)])
def test_what_is_measured_is_what_theory_has(degree: int, strength: float, replicate: int) -> None:
    sets = 2000
    found = metrics(replicate, degree=degree, strength=strength, sets=sets)
    # The error is the squared distance of the mean and the spread about it, divided by the sets.
    spread = found["variance"] * (sets - 1) / sets
    assert found["error"] == pytest.approx(
        found["bias2"] + found["variance"] / sets + spread, rel=1e-10
    )
    # A mean of at least 4 squares in 2,000 sets: a relative standard error of sqrt(2/8000).
    assert found["variance"] == pytest.approx(found["variance_formula"], rel=5 * math.sqrt(2 / 8e3))
    # The mean prediction errs by sqrt(variance/sets), twice its product with the bias and a square.
    by_chance = math.sqrt(found["variance_formula"] / sets)
    slack = 5 * (2 * by_chance * math.sqrt(found["bias2_formula"]) + by_chance**2)
    assert abs(found["bias2"] - found["bias2_formula"]) < slack


def test_replicates_draw_noise_of_their_own_and_the_same_again() -> None:
    assert metrics(1, degree=5, sets=20) == metrics(1, degree=5, sets=20)
    assert metrics(1, degree=5, sets=20)["error"] != metrics(2, degree=5, sets=20)["error"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"degree": 29}, "trainer.degree=29 is not allowed: it must be from 0 to 28"),
        ({"degree": -1}, "trainer.degree=-1 is not allowed"),
        ({"degree": 3, "sets": 1}, "trainer.sets=1 is not allowed"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        metrics(**arguments)
