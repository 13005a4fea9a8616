import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ablate.probe.histogram import BINS, coarsen, edges, exponent, histogram

finite = st.floats(-1e6, 1e6, width=32)
samples = arrays(np.float32, st.integers(1, 60), elements=finite)


@pytest.mark.parametrize(
    ("largest", "rms", "expected"),
    [
        pytest.param(0.9, 0.5, 0, id="below one"),
        pytest.param(1.0, 0.5, 1, id="a power of two needs the next range: bins are half open"),
        pytest.param(100.0, 1.0, 4, id="ten rms cut off a far value"),
        pytest.param(3e-5, 1e-5, -15, id="small"),
        pytest.param(0.0, 0.0, 0, id="zeros"),
        pytest.param(float("inf"), float("inf"), 0, id="infinite"),
        pytest.param(float("nan"), float("nan"), 0, id="nan"),
    ],
)
def test_exponent(largest, rms, expected):
    assert exponent(largest, rms) == expected


@given(samples)
def test_agrees_with_numpy(values):
    k = exponent(float(np.abs(values).max()), float(np.abs(values).max()))
    counts = histogram(torch.from_numpy(values), k)
    nonzero = values[values != 0]
    expected, _ = np.histogram(nonzero.astype(np.float64), bins=edges(k))
    assert counts[1:-1].tolist() == expected.tolist()
    assert counts[0] == counts[-1] == 0


def test_outer_bins_zeros_and_values_that_are_not_finite():
    values = torch.tensor([-3.0, -1.0, 0.0, -0.0, 0.999, 1.0, 5.0, float("nan")])
    counts = histogram(values, 0)
    assert counts.dtype == np.uint32
    assert counts.shape == (BINS,)
    assert counts[0] == 1  # -3
    assert counts[1] == 1  # -1: bins are closed on the left
    assert counts[-2] == 1  # 0.999
    assert counts[-1] == 2  # 1 and 5
    assert counts.sum() == 5


@given(samples, st.integers(0, 5))
def test_coarsening_equals_counting_in_the_wider_range(values, doublings):
    x = torch.from_numpy(values)
    k = exponent(float(np.abs(values).max()), float(np.abs(values).max()))
    narrow = coarsen(histogram(x, k), doublings)
    assert narrow.tolist() == histogram(x, k + doublings).tolist()


@given(samples, samples)
def test_merging_equals_counting_together(first, second):
    a, b = torch.from_numpy(first), torch.from_numpy(second)
    k_a = exponent(float(a.abs().max()), float(a.abs().max()))
    k_b = exponent(float(b.abs().max()), float(b.abs().max()))
    k = max(k_a, k_b)
    counts = coarsen(histogram(a, k_a), k - k_a) + coarsen(histogram(b, k_b), k - k_b)
    assert counts.tolist() == histogram(torch.cat([a, b]), k).tolist()
