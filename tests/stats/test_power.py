"""What pairs can show: against statsmodels, which counts the wrong side in; it is nothing here."""

import math
import sys

import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablate.stats import (
    POWER,
    detectable,
    equality_power,
    least_p,
    power,
    replicates_for_equality,
    replicates_needed,
)


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


@pytest.mark.parametrize("n", [3, 30, 300, 10_000])
@pytest.mark.parametrize("effect", [0.01, 0.3, 1.0, 3.0, 30.0])
def test_power_is_scipys_also_far_beyond_what_decides(effect, n):
    critical = stats.t.isf(0.025, n - 1)
    expected = stats.nct.sf(critical, n - 1, effect * n**0.5)
    assert power(effect, n, 0.05) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("effect", [0.03, 0.3, 1.0, 10.0, 100.0])
def test_the_fewest_pairs_are_those_before_which_power_is_less(effect):
    for fewest, of in ((replicates_needed, power), (replicates_for_equality, equality_power)):
        n = fewest(effect, 0.05)
        assert n is not None
        assert of(effect, n, 0.05) >= POWER
        assert n == 3 or of(effect, n - 1, 0.05) < POWER


def test_the_fewest_pairs_are_found_where_laws_are_easy(monkeypatch):
    # Of 10,000 pairs of a large effect only scipy's distributions know, a second to import.
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    assert replicates_needed(1.0, 0.05) == 10
