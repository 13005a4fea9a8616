"""The evidence behind verdicts: against scipy and statsmodels, and against its own intervals."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.weightstats import ttost_paired

from ablate.stats import (
    NOTHING,
    Arm,
    Evidence,
    Pairs,
    between_variance,
    chance_of_better,
    in_order,
    jackknife,
    pair_up,
    paired_effect,
    rate,
    sensitivity,
    sign_flip,
    sign_p,
)

VALUES = arrays(
    np.float64, st.integers(3, 12), elements=st.floats(-5, 5).map(lambda v: round(v, 3))
)
EXPECT = st.sampled_from(["greater", "less", "equal"])


def effect(difference, expect, margin, ahead=0, behind=0) -> Evidence:
    """Return the evidence of pairs that converged, and of others that only A, or only B, did."""
    lost = np.repeat([np.inf, -np.inf], [ahead, behind])
    pairs = Pairs(np.append(difference, np.full(len(lost), np.nan)), np.append(difference, lost))
    return paired_effect(pairs, expect, margin)


def sample(n: int = 8, mean: float = 0.4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, n)


@settings(max_examples=300)
@given(values=VALUES, expect=EXPECT, margin=st.sampled_from([0.0, 0.5, 2.0]),
       alpha=st.sampled_from([0.05, 0.01, 0.2]))  # fmt: skip
def test_verdict_and_interval_say_the_same(values, expect, margin, alpha) -> None:
    """Supported: the interval lies beyond the margin as expected; refuted: wholly on the other side."""
    assume(np.ptp(values) > 0.01)
    found = effect(values, expect, margin)
    assert found.interval is not None
    low, high = found.interval(alpha)
    if expect == "equal":
        supported, refuted = -margin <= low and high <= margin, low > margin or high < -margin
        assume(margin > 0)
    else:
        supported, refuted = low > margin, high < margin
        if expect == "less":
            supported, refuted = high < -margin, low > -margin
    edge = min(abs(low - margin), abs(high - margin), abs(low + margin), abs(high + margin))
    assume(edge > 1e-9)
    assert (found.p_supported <= alpha) == supported
    assert (found.p_refuted <= alpha) == refuted


def test_the_paired_t_is_scipys() -> None:
    values = sample()
    found = effect(values, "greater", 0.1)
    expected = stats.ttest_1samp(values, 0.1)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-10)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.interval is not None
    assert found.interval(0.05) == pytest.approx((low, high), rel=1e-10)


def test_equivalence_is_statsmodels_two_one_sided_tests() -> None:
    a, b = sample(10, 0.0, 1), sample(10, 0.0, 2)
    p, _, _ = ttost_paired(a, b, -1.5, 1.5)
    # Doubled: the verdict is read off a two-sided interval of the same level.
    assert effect(a - b, "equal", 1.5).p_supported == pytest.approx(2 * p, rel=1e-10)


def test_where_runs_of_both_are_not_converged_the_sign_test_decides() -> None:
    values = np.array([0.3, 0.8, -0.1, 1.2, 0.4])
    found = effect(values, "greater", 0.35, ahead=3, behind=1)
    # Beyond the margin: three of five, and the three pairs that B lost.
    assert (found.test, found.n, found.n_effect) == ("sign", 9, 5)
    assert found.p_supported == pytest.approx(stats.binomtest(6, 9).pvalue, rel=1e-12)
    assert found.effect == pytest.approx(values.mean())
    assert effect(np.empty(0), "greater", 0, behind=6).p_refuted == pytest.approx(2 / 64)
    assert effect(np.empty(0), "equal", 1, ahead=6).p_refuted == pytest.approx(2 / 64)


@pytest.mark.parametrize(
    ("expect", "margin", "ahead", "behind", "test"),
    [
        ("greater", 0.0, 2, 0, "paired t"), ("greater", 0.0, 0, 2, "sign"),
        ("less", 0.0, 2, 0, "paired t"), ("less", 0.0, 0, 2, "sign"),
        ("greater", 2.0, 2, 0, "sign"), ("greater", 2.0, 0, 2, "paired t"),
        ("equal", 0.5, 2, 0, "paired t"), ("equal", 0.5, 0, 2, "sign"),
        ("equal", 2.0, 1, 0, "sign"), ("equal", 2.0, 0, 1, "sign"),
    ],
)  # fmt: skip
def test_the_t_stays_while_no_run_speaks_against_what_it_finds(
    expect, margin, ahead, behind, test
) -> None:
    """The mean is 1: above margins of 0 and 0.5, below and within one of 2."""
    values = np.array([0.8, 1.1, 1.3, 0.9, 0.9, 1.0])
    found, alone = effect(values, expect, margin, ahead, behind), effect(values, expect, margin)
    assert found.test == test
    assert (found.n, found.n_effect) == (6 + ahead + behind, 6)
    if test == "paired t":
        assert (found.p_supported, found.p_refuted) == (alone.p_supported, alone.p_refuted)


def test_arms_are_paired_by_replicate_and_the_one_with_fewer_runs_not_converged_leads() -> None:
    nan = np.nan
    a = Arm(np.array([[3.0, nan, 5.0, 1.0], [1.0, 2.0, nan, nan]]),
            np.array([[0, 1, 0, 0], [0, 0, 1, 0]], dtype=bool))  # fmt: skip
    b = Arm(np.array([[1.0, 1.0, nan, 1.0], [1.0, 1.0, 2.0, 1.0]]),
            np.array([[0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool))  # fmt: skip
    # Both converged; A lost one of two; one each, in settings of their own; one of A's is missing.
    pairs = pair_up(a, b, "higher")
    np.testing.assert_array_equal(pairs.difference, [1.0, 1.0, nan, nan])
    np.testing.assert_array_equal(pairs.lead, [1.0, -np.inf, nan, nan])
    np.testing.assert_array_equal(pair_up(a, b, "lower").lead, [1.0, np.inf, nan, nan])


@pytest.mark.parametrize("values", [np.full(6, 0.3), np.zeros(6), np.array([1.0])])
def test_differences_without_spread_decide_nothing(values) -> None:
    assert effect(values, "greater", 0.0).p == 1.0


@given(values=arrays(np.float64, (3, 5), elements=st.floats(-3, 3)))
def test_the_variance_between_levels_is_its_double_sum(values) -> None:
    levels, replicates = values.shape
    centred = values - values.mean(axis=0)
    pairs = [
        (centred[:, r] * centred[:, s]).sum() / (levels - 1)
        for r, s in itertools.permutations(range(replicates), 2)
    ]
    assert between_variance(values) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_noise_drops_out_of_the_variance_between_levels() -> None:
    """Means 0, 1, 2 have variance 1, whatever the noise; a tenth is five standard errors."""
    rng = np.random.default_rng(0)
    means = np.array([0.0, 1.0, 2.0])[:, None]
    for noise in (0.1, 1.0, 3.0):
        draws = [between_variance(means + noise * rng.standard_normal((3, 6))) for _ in range(4000)]
        assert np.mean(draws) == pytest.approx(1, abs=5 * np.std(draws) / np.sqrt(4000))
    ranges = [np.ptp((means + 3 * rng.standard_normal((3, 6))).mean(axis=1)) for _ in range(2000)]
    assert np.mean(ranges) > 2.5  # what a range would make of it


def test_jackknife_pseudo_values_of_a_mean_are_the_values() -> None:
    values = sample()
    assert jackknife(lambda keep: float(values[keep].mean()), 8) == pytest.approx(values)


def test_noisier_is_not_more_sensitive() -> None:
    """Equal levels, noise 1 against 3: decided wrongly in at most 7 % of 600 (sd 0.9 %)."""
    rng = np.random.default_rng(1)
    none = np.zeros(6)
    wrong = 0
    for _ in range(600):
        a, b = rng.standard_normal((4, 6)), 3 * rng.standard_normal((4, 6))
        wrong += sensitivity(a, b, none, none, "less").p <= 0.05
    assert wrong / 600 < 0.07


def test_the_arm_that_loses_more_levels_is_the_more_sensitive() -> None:
    a, b = np.zeros((3, 6)), np.zeros((3, 6))
    lost = np.array([1, 1, 2, 1, 1, 1])
    found = sensitivity(a, b, np.zeros(6), lost, "less")
    assert found.test == "sign"
    assert found.p_supported == pytest.approx(2 / 64)
    assert sensitivity(a, b, lost, lost, "less").p == 1.0


@given(n=st.integers(1, 30), data=st.data(), expected=st.sampled_from([0.5, 0.9]))
def test_a_rate_agrees_with_its_interval(n, data, expected) -> None:
    k = data.draw(st.integers(0, n))
    found = rate(k, n, expected)
    assert found.interval is not None
    low, high = found.interval(0.05)
    assert (found.p_supported <= 0.05) == (low >= expected)
    assert (found.p_refuted <= 0.05) == (high <= expected)


def test_an_order_holds_where_each_step_does() -> None:
    up = [effect(sample(8, 3, seed), "greater", 0.0) for seed in range(3)]
    assert in_order(up).p_supported == max(step.p_supported for step in up)
    down = effect(sample(8, -3, 9), "greater", 0.0)
    assert in_order([*up, down]).p_supported == 1.0
    assert in_order([*up, down]).p_refuted == pytest.approx(4 * down.p_refuted)
    assert in_order([*up, NOTHING]) is NOTHING


@settings(max_examples=30)
@given(
    values=arrays(
        np.float64, st.integers(3, 8), elements=st.integers(-3000, 3000).map(lambda v: v / 1000)
    )
)
def test_sign_flips_are_scipys_exact_permutation_test(values) -> None:
    assume(np.abs(values).max() > 0.01)
    expected = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip(values) == pytest.approx(expected, abs=1e-10)


def test_small_numbers() -> None:
    assert sign_flip(np.ones(6)) == pytest.approx(2 / 64)
    assert sign_flip(np.ones(1)) is None
    assert chance_of_better(np.array([1.0, -1.0, 0.0, 2.0])) == 0.625
    assert chance_of_better(np.empty(0)) is None
    table = [[3, 5], [1, 4]]
    assert sign_p(5, 1) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, abs=1e-10)
    assert sign_p(0, 0) == 1.0
