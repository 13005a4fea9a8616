"""How alike units are: closed forms, numpy's correlations, and what is left out."""

import contextlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.init import He
from ablate.config.model import Cnn, Mlp
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.probe.units import likeness, measure_units
from ablate.streams import Streams


def with_covariance(covariance: np.ndarray, examples: int = 200) -> np.ndarray:
    """Return values whose covariance is exactly that, but for rounding."""
    draws = np.random.default_rng(0).standard_normal((examples, len(covariance)))
    draws -= draws.mean(axis=0)
    orthogonal, _ = np.linalg.qr(draws)
    return orthogonal * math.sqrt(examples) @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("units", [2, 10])
def test_units_that_are_all_correlated_alike(units: int, correlation: float) -> None:
    covariance = np.full((units, units), correlation)
    np.fill_diagonal(covariance, 1)
    found = likeness(with_covariance(covariance))
    assert found is not None
    # Eigenvalues 1 + (n - 1) rho and, n - 1 times, 1 - rho. Rounding of 200 numbers in float64.
    expected = 1 / (1 + (units - 1) * correlation**2)
    assert found == pytest.approx((correlation, expected), abs=1e-12)


def test_the_scale_of_a_unit_counts_for_directions_and_not_for_correlations() -> None:
    found = likeness(with_covariance(np.diag([9.0, 1.0])))
    assert found == pytest.approx((0, 10**2 / (2 * 82)), abs=1e-12)


def test_one_unit_copied_is_one_direction() -> None:
    one = np.random.default_rng(1).standard_normal((50, 1))
    assert likeness(np.hstack([one, -2 * one, one])) == pytest.approx((1, 36 / (3 * 36)))


@given(st.integers(0, 10_000))
def test_correlations_are_numpys(seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((30, 5)) ** 3
    off = np.abs(np.corrcoef(values.T))[~np.eye(5, dtype=bool)]
    found = likeness(values)
    assert found is not None
    assert found[0] == pytest.approx(off.mean(), rel=1e-9)  # both in float64
    assert 1 / 5 <= found[1] <= 1


def test_independent_units_are_alike_by_chance_alone() -> None:
    examples, units = 400, 60
    found = likeness(np.random.default_rng(2).standard_normal((examples, units)))
    assert found is not None
    # 1770 pairs, each with a relative standard deviation of sqrt(pi/2 - 1) = 0.76.
    assert found[0] == pytest.approx(math.sqrt(2 / (math.pi * examples)), rel=5 * 0.76 / 1770**0.5)


def test_what_never_changes_is_left_out() -> None:
    values = np.random.default_rng(3).standard_normal((40, 3))
    wider = np.hstack([values, np.zeros((40, 1)), np.full((40, 1), 0.1)])
    assert likeness(wider) == pytest.approx(likeness(values), rel=1e-12)
    assert likeness(wider[:, 2:]) is None
    assert likeness(np.where(values > 2, math.inf, values)) is None


def measured(model: Mlp | Cnn, shape: tuple[int, ...], replicates: list[int]) -> list:
    streams = [Streams(0, r) for r in replicates]
    network = build(model, shape, 10, len(replicates))
    initialize(network, He(name="he"), streams)
    network.seed_dropout(streams, "cpu")
    inputs = torch.from_numpy(np.random.default_rng(4).standard_normal((1, 64, *shape)))
    inputs = inputs.float().expand(len(replicates), *inputs.shape[1:])
    found = measure_units(network, inputs, contextlib.nullcontext)
    assert network.training
    return found


def test_layers_are_averaged_without_dropout_and_alone_as_in_a_stack() -> None:
    model = Mlp(name="mlp", width=20, depth=2, dropout=0.5)
    alone, stacked = measured(model, (30,), [2]), measured(model, (30,), [0, 2])
    assert alone[0] == stacked[1] != stacked[0]
    assert alone == measured(Mlp(name="mlp", width=20, depth=2), (30,), [2])
    assert set(alone[0]) == {"units/alike", "units/effective"}


def test_of_a_convolution_a_channel_is_a_unit() -> None:
    model = Cnn(name="cnn", channels=(1, 1))
    assert measured(model, (1, 8, 8), [0]) == [{}]  # no layer has two
    (two,) = measured(Cnn(name="cnn", channels=(1, 2)), (1, 8, 8), [0])
    assert 1 / 2 <= two["units/effective"] <= 1
