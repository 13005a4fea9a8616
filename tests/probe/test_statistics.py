import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.probe import Probe
from ablate.metrics import STATISTICS
from ablate.probe import steps_to_probe
from ablate.probe.statistics import merge, statistics, summarize


def named(summary):
    return dict(zip(STATISTICS, statistics(summary).tolist(), strict=True))


def test_against_numpy():
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32))
    post = x.relu()
    post[:, 3] = 0
    result = named(summarize(post, ranked=x, saturated=12.0))
    exact = post.numpy().astype(np.float64)
    # float64 sums against numpy's two-pass formulas.
    assert result["mean"] == pytest.approx(exact.mean(), rel=1e-12)
    assert result["std"] == pytest.approx(exact.std(), rel=1e-12)
    assert result["rms"] == pytest.approx(math.sqrt((exact**2).mean()), rel=1e-12)
    assert result["zero"] == (exact == 0).mean()
    assert result["dead"] == 1 / 8
    assert result["saturated"] == 12 / 400
    for name, q in (("p15", 15), ("p50", 50), ("p85", 85)):
        assert result[name] == pytest.approx(np.percentile(x.numpy(), q), rel=1e-6)


def test_a_unit_of_a_convolution_is_a_channel():
    values = torch.zeros(2, 4, 3, 3)
    values[1, 0, 2, 2] = 1.0
    assert named(summarize(values, values))["dead"] == 3 / 4


def test_saturation_without_a_meaning_is_nan():
    values = torch.ones(2, 2)
    assert math.isnan(named(summarize(values, values))["saturated"])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite(bad):
    values = torch.tensor([[1.0, 0.0], [bad, 0.0]])
    result = named(summarize(values, values))
    assert math.isnan(result["mean"])
    assert math.isnan(result["std"])
    assert math.isnan(result["rms"])
    assert result["zero"] == 0.5
    assert result["dead"] == 0.5


@given(seed=st.integers(0, 1000), cut=st.integers(1, 39))
def test_merging_equals_summarizing_together(seed, cut):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((40, 6)).astype(np.float32))
    x[x.abs() < 0.3] = 0
    together = statistics(summarize(x, x, saturated=5.0))
    merged = merge(summarize(x[:cut], x[:cut], saturated=2.0), summarize(x[cut:], x[cut:], 3.0))
    # Sums in float64 in another order.
    assert statistics(merged) == pytest.approx(together, rel=1e-9, abs=1e-12)


def test_percentiles_of_a_large_layer_come_from_all_units_alike():
    # Unit u is constant at u: a stride that met the same units always would be far off.
    values = torch.arange(256.0).repeat(2000, 1)
    result = named(summarize(values, values))
    assert result["p50"] == pytest.approx(127.5, abs=1.5)
    assert result["p15"] == pytest.approx(0.15 * 255, abs=1.5)


@pytest.mark.parametrize(
    ("steps", "total", "expected"),
    [
        ("off", 10, ()),
        ("ends", 10, (0, 10)),
        ("ends", 0, (0,)),
        ("log", 0, (0,)),
        ("log", 1, (0, 1)),
        ("log", 7, (0, 1, 2, 5, 7)),
        ("log", 50, (0, 1, 2, 5, 10, 20, 50)),
        ("log", 430, (0, 1, 2, 5, 10, 20, 50, 100, 200, 430)),
    ],
)
def test_steps_to_probe(steps, total, expected):
    assert steps_to_probe(Probe(steps=steps), total) == expected
