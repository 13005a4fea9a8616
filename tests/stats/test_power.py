"""What pairs can show: against statsmodels, which counts the wrong side in; it is nothing here."""

import math

import pytest
from statsmodels.stats.power import TTestPower

from ablate.stats import detectable, least_p, power, replicates_needed


@pytest.mark.parametrize("effect", [1, 0.25, 5 / 3, 0.11, 0.03])
def test_replicates_needed_are_statsmodels(effect):
    n = TTestPower().solve_power(effect, alpha=0.05, power=0.8, alternative="two-sided")
    assert replicates_needed(effect, 0.05) == max(3, math.ceil(n))


def test_what_cannot_be_shown_needs_no_number():
    assert replicates_needed(0.0, 0.05) is None
    assert replicates_needed(1e-4, 0.05) is None


@pytest.mark.parametrize(("n", "alpha"), [(3, 0.05), (6, 0.05), (10, 0.05 / 8)])
def test_what_n_pairs_show_is_statsmodels(n, alpha):
    expected = TTestPower().solve_power(nobs=n, alpha=alpha, power=0.8, alternative="two-sided")
    assert detectable(n, alpha) == pytest.approx(expected, rel=1e-4)
    assert power(detectable(n, alpha), n, alpha) == pytest.approx(0.8, abs=1e-9)


def test_five_pairs_cannot_reach_five_percent():
    assert least_p(6) == 2 / 64 < 0.05 < least_p(5)
