"""Intervals of means and rates: against scipy and statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablate.stats import proportion_half_width, rate_interval, t_half_width, t_interval


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_t_interval_is_scipys(alpha):
    values = np.random.default_rng(0).normal(0.9, 0.01, 7)
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(1 - alpha)
    assert t_interval(values, alpha) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert t_half_width(values[:1]) is None


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.data())
def test_rate_interval_is_clopper_pearson(n, data):
    k = data.draw(st.integers(0, n))
    low, high = proportion_confint(k, n, alpha=0.05, method="beta")
    low, high = (0.0 if k == 0 else low), (1.0 if k == n else high)
    # scipy finds the ends by root search, statsmodels by beta quantiles
    assert rate_interval(k, n) == pytest.approx((low, high), abs=1e-9)


def test_what_the_test_images_leave_open():
    # the formula of the caption, by hand: 98.3 % of 10,000 images leave 0.25 points
    assert proportion_half_width(0.983, 10_000) == pytest.approx(
        1.96 * math.sqrt(0.983 * 0.017 / 10_000), rel=1e-4
    )
