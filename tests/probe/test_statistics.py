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


def named(tally, replicate=0):
    return dict(zip(STATISTICS, statistics(tally)[replicate].tolist(), strict=True))


def normal(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(values.astype(np.float32))


def test_against_numpy():
    x = normal(3, 50, 8)
    post = x.relu()
    post[1, :, 3] = 0
    tally = summarize(post, ranked=x, saturated=post > 1)
    for r in range(3):
        result, exact = named(tally, r), post[r].numpy().astype(np.float64)
        # float64 sums against numpy's two-pass formulas.
        assert result["mean"] == pytest.approx(exact.mean(), rel=1e-12)
        assert result["std"] == pytest.approx(exact.std(), rel=1e-12)
        assert result["rms"] == pytest.approx(math.sqrt((exact**2).mean()), rel=1e-12)
        assert result["zero"] == (exact == 0).mean()
        assert result["dead"] == (1 / 8 if r == 1 else 0)
        assert result["saturated"] == (exact > 1).mean()
        for name, q in (("p15", 15), ("p50", 50), ("p85", 85)):
            # numpy interpolates between float32 values in float32.
            assert result[name] == pytest.approx(np.percentile(x[r].numpy(), q), rel=1e-6)


def test_a_unit_of_a_convolution_is_a_channel():
    values = torch.zeros(1, 2, 4, 3, 3)
    values[0, 1, 0, 2, 2] = 1.0
    assert named(summarize(values, values))["dead"] == 3 / 4


def test_saturation_without_a_meaning_is_nan():
    values = torch.ones(1, 2, 2)
    assert math.isnan(named(summarize(values, values))["saturated"])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite(bad):
    values = torch.tensor([[[1.0, 0.0], [bad, 0.0]], [[1.0, 0.0], [2.0, 0.0]]])
    tally = summarize(values, values)
    result, other = named(tally), named(tally, 1)
    assert math.isnan(result["mean"])
    assert math.isnan(result["std"])
    assert math.isnan(result["rms"])
    assert math.isnan(result["p85"])
    assert result["zero"] == 0.5
    assert result["dead"] == 0.5
    assert other["mean"] == 0.75
    assert other["p85"] == pytest.approx(np.percentile([1.0, 0.0, 2.0, 0.0], 85))


@given(seed=st.integers(0, 1000), cut=st.integers(1, 39))
def test_merging_equals_summarizing_together(seed, cut):
    x = normal(2, 40, 6, seed=seed)
    x[x.abs() < 0.3] = 0
    together = statistics(summarize(x, x, saturated=x > 1))
    merged = merge(
        summarize(x[:, :cut], x[:, :cut], saturated=x[:, :cut] > 1),
        summarize(x[:, cut:], x[:, cut:], saturated=x[:, cut:] > 1),
    )
    # Sums in float64 in another order.
    assert statistics(merged) == pytest.approx(together, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("shape", [(17, 13), (40, 5, 3, 3), (3, 129, 100)])
def test_a_replicate_alone_has_the_bits_it_has_beside_others(shape):
    x = normal(7, *shape)
    beside = statistics(summarize(x, x, saturated=x > 1))
    # In memory a stack of convolutions has the replicates side by side in every example.
    inside = x.transpose(0, 1).contiguous().transpose(0, 1)
    assert np.array_equal(statistics(summarize(inside, inside, saturated=x > 1)), beside)
    for r in range(7):
        own = x[r : r + 1]
        assert np.array_equal(statistics(summarize(own, own, saturated=own > 1))[0], beside[r])


def test_percentiles_of_a_large_layer_come_from_all_units_alike():
    # Unit u is constant at u: a stride that met the same units always would be far off.
    values = torch.arange(256.0).repeat(2000, 1).unsqueeze(0)
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
