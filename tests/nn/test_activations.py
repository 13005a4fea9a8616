"""Activations and gains, against torch and against integrals."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import integrate

from ablate.config.model import Activation
from ablate.nn.activations import ELEMENTWISE
from ablate.nn.scales import GAINS

NAMES = get_args(Activation)
REFERENCE = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "elu": torch.nn.functional.elu,
    "selu": torch.nn.functional.selu,
    "gelu": torch.nn.functional.gelu,
    "vlrelu": lambda z: torch.nn.functional.leaky_relu(z, 1 / 3),
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
}


def test_no_activation_is_forgotten_in_a_table() -> None:
    assert set(NAMES) == set(ELEMENTWISE) == set(GAINS)


@pytest.mark.parametrize("name", REFERENCE)
def test_equal_to_torch(name: str) -> None:
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    # sigmoid by tanh loses the last digits of very small values: 1e-15 absolute is rounding.
    torch.testing.assert_close(
        ELEMENTWISE[name].function(z), REFERENCE[name](z), atol=1e-14, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "torch_name", "parameter"),
    [("linear", "linear", None), ("sigmoid", "sigmoid", None), ("tanh", "tanh", None),
     ("relu", "relu", None), ("selu", "selu", None), ("vlrelu", "leaky_relu", 1 / 3),
     ("leaky_relu", "leaky_relu", 0.01), ("prelu", "leaky_relu", 0.25)],
)  # fmt: skip
def test_gain_is_torchs(name: str, torch_name: str, parameter: float | None) -> None:
    assert GAINS[name] == pytest.approx(
        torch.nn.init.calculate_gain(torch_name, parameter), rel=1e-12
    )


@pytest.mark.parametrize("name", ["relu", "vlrelu", "leaky_relu", "elu", "gelu"])
def test_gain_keeps_the_second_moment(name: str) -> None:
    def integrand(z: float) -> float:
        h = float(ELEMENTWISE[name].function(torch.tensor(z, dtype=torch.float64)))
        return h * h * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    moment = sum(integrate.quad(integrand, *limits)[0] for limits in ((-12, 0), (0, 12)))
    assert GAINS[name] == pytest.approx(1 / math.sqrt(moment), rel=1e-8)  # as many as are written


def test_maxout_of_two_keeps_it_with_gain_one() -> None:
    """E[max(a, b)^2] = 1 for two standard normals: no factor is needed."""
    pairs = np.random.default_rng(0).standard_normal((2, 10**6)).max(axis=0)
    # Five standard errors of the mean of h^2, whose standard deviation is below 1.7.
    assert (pairs**2).mean() == pytest.approx(GAINS["maxout"], abs=5 * 1.7 / 1000)


def test_saturation() -> None:
    tanh, sigmoid = ELEMENTWISE["tanh"].saturated, ELEMENTWISE["sigmoid"].saturated
    assert tanh is not None
    assert sigmoid is not None
    assert tanh(torch.tensor([-0.99, -0.9, 0.0, 0.96])).tolist() == [True, False, False, True]
    assert sigmoid(torch.tensor([0.01, 0.06, 0.5, 0.96])).tolist() == [True, False, False, True]
    assert ELEMENTWISE["relu"].saturated is None
