import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ablate.probe.histogram import BINS, coarsen, edges, exponents, histograms, merge_histograms

finite = st.floats(-1e6, 1e6, width=32)
samples = arrays(np.float32, st.integers(1, 60), elements=finite)
pairs = st.integers(1, 60).flatmap(lambda n: arrays(np.float32, (2, n), elements=finite))


def counts_of(values, k):
    return histograms(torch.from_numpy(values)[None, None], torch.tensor([k])).counts[0]


def own_range(values):
    """Return the histograms of (R, n) values, each over the range of its largest."""
    x = torch.from_numpy(values)
    largest = x.abs().amax(dim=1).double()
    return histograms(x[:, None], exponents(largest, largest))


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
def test_exponents(largest, rms, expected):
    others = [0.9, largest], [0.5, rms]
    found = exponents(*(torch.tensor(one, dtype=torch.float64) for one in others))
    assert found.tolist() == [0, expected]


@given(pairs)
def test_agrees_with_numpy(values):
    found = own_range(values)
    for own, k, counts in zip(values, found.exponents, found.counts, strict=True):
        nonzero = own[own != 0].astype(np.float64)
        expected, _ = np.histogram(nonzero, bins=edges(int(k)))
        assert counts[1:-1].tolist() == expected.tolist()
        assert counts[0] == counts[-1] == 0


def test_outer_bins_zeros_and_values_that_are_not_finite():
    values = np.array([-3.0, -1.0, 0.0, -0.0, 0.999, 1.0, 5.0, 0.001, np.nan, np.inf, -np.inf])
    counts = counts_of(values.astype(np.float32), 0)
    assert counts.dtype == np.uint32
    assert counts.shape == (BINS,)
    assert counts[0] == 1  # -3
    assert counts[1] == 1  # -1: bins are closed on the left
    assert counts[BINS // 2] == 1  # 0.001, beside the zeros that are left out
    assert counts[-2] == 1  # 0.999
    assert counts[-1] == 2  # 1 and 5
    assert counts.sum() == 6


@given(samples, st.integers(0, 5))
def test_coarsening_equals_counting_in_the_wider_range(values, doublings):
    found = own_range(values[None])
    narrow = coarsen(found.counts[0], doublings)
    assert narrow.tolist() == counts_of(values, int(found.exponents[0]) + doublings).tolist()


@given(pairs, pairs)
def test_merging_equals_counting_together(first, second):
    merged = merge_histograms(own_range(first), own_range(second))
    together = own_range(np.concatenate([first, second], axis=1))
    assert merged.exponents.tolist() == together.exponents.tolist()
    assert merged.counts.tolist() == together.counts.tolist()
