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
    all_of,
    between_variance,
    chance_of_better,
    is_uneven,
    jackknife,
    lost_more,
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
    lead = np.concatenate([np.zeros(len(difference)), np.repeat([1.0, -1.0], [ahead, behind])])
    pairs = Pairs(np.append(difference, np.full(ahead + behind, np.nan)), lead)
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
        # Equality is shown by two one-sided tests at the full level, and refuted two-sided.
        inner = found.interval(2 * alpha)
        supported = -margin <= inner[0] and inner[1] <= margin
        refuted = low > margin or high < -margin
        assume(margin > 0)
    else:
        supported, refuted = low > margin, high < margin
        if expect == "less":
            supported, refuted = high < -margin, low > -margin
    ends = (low, high, *found.interval(2 * alpha))
    edge = min(abs(abs(end) - margin) for end in ends)
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
    found = effect(a - b, "equal", 1.5)
    assert found.p_supported == pytest.approx(p, rel=1e-10)
    both = stats.ttest_1samp(a - b, 0.0).confidence_interval(0.95)
    assert found.limits(0.05) == pytest.approx((both.low, both.high), rel=1e-10)


def two_parts(values, margin, ahead, behind) -> tuple[float, float, float]:
    """Return by scipy the one-sided p that A is above: of the t, of the coins, and of both."""
    t = stats.ttest_1samp(values, margin, alternative="greater").pvalue
    coins = stats.binom(ahead + behind, 0.5)
    middle = coins.sf(ahead) + 0.5 * coins.pmf(ahead)
    whole = stats.combine_pvalues(
        [t, middle], "stouffer", weights=[len(values) ** 0.5, (ahead + behind) ** 0.5]
    )
    return t, middle, whole.pvalue


def test_an_outcome_in_two_parts_is_stouffers_weighted_z() -> None:
    values = np.array([0.3, 0.8, -0.1, 1.2, 0.4])
    found = effect(values, "greater", 0.35, ahead=3, behind=1)
    t, middle, whole = two_parts(values, 0.35, 3, 1)
    assert (found.test, found.n, found.n_effect) == ("two parts", 9, 5)
    assert found.p_supported == pytest.approx(2 * whole, rel=1e-10)
    assert found.p_refuted == 1.0
    assert found.effect == pytest.approx(values.mean())
    assert found.parts is not None
    assert found.parts.fewer == (3, 1)
    assert found.parts.quality.supports == pytest.approx(t, rel=1e-10)
    assert found.parts.convergence.supports == pytest.approx(middle, rel=1e-10)
    # Turned round it says the same of B.
    mirrored = effect(-values, "less", 0.35, ahead=1, behind=3)
    assert mirrored.p_supported == pytest.approx(found.p_supported, rel=1e-12)


def test_equality_in_two_parts_needs_both_sides() -> None:
    values = np.array([0.3, 0.1, -0.1, 0.2, -0.4, 0.1])
    found = effect(values, "equal", 1.0, ahead=1, behind=1)
    sides = two_parts(values, -1.0, 1, 1)[2], two_parts(-values, -1.0, 1, 1)[2]
    assert found.p_supported == pytest.approx(max(sides), rel=1e-10)


def test_with_few_pairs_who_lost_fewer_runs_is_all_that_counts() -> None:
    assert effect(np.empty(0), "greater", 0, behind=6).p_refuted == pytest.approx(2 / 64)
    assert effect(np.empty(0), "equal", 1, ahead=6).p_refuted == pytest.approx(2 / 64)
    found = effect(np.array([5.0, 6.0]), "less", 0, ahead=6, behind=1)
    assert (found.test, found.n, found.n_effect) == ("sign", 9, 2)
    assert found.p_refuted == pytest.approx(stats.binomtest(6, 7).pvalue)


@pytest.mark.parametrize("expect", ["greater", "less", "equal"])
def test_nothing_is_decided_where_one_part_speaks_against_the_other(expect) -> None:
    """A is better wherever both converge, and loses runs in five of five replicates."""
    values = np.array([0.8, 1.1, 1.3, 0.9, 0.9, 1.0])
    found = effect(values, expect, 0.1, behind=5)
    assert found.disagree
    assert (found.p_supported, found.p_refuted) == (1.0, 1.0)
    assert not effect(values, expect, 0.1, ahead=5).disagree


def test_an_arm_that_loses_runs_now_and_then_does_not_hide_a_difference() -> None:
    values = sample(18, 1.0)
    alone = effect(values, "greater", 0.0).p_supported
    even = effect(values, "greater", 0.0, ahead=1, behind=1)
    assert alone < even.p_supported < 0.05
    assert not even.is_of_convergence_alone
    only = effect(sample(6, 0.0, 3), "greater", 0.0, ahead=12)
    assert only.p_supported < 0.05
    assert only.is_of_convergence_alone


@pytest.mark.parametrize(("lost", "noise"), [(0.05, 1.0), (0.2, 1.0), (0.2, 3.0), (0.5, 1.0)])
def test_two_parts_keep_their_level(lost, noise) -> None:
    """Equal arms, 1,000 studies of ten: 5 % and three standard errors of a share."""
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(1000):
        shared = rng.standard_normal(10)
        a, b = shared + rng.standard_normal(10), noise * (shared + rng.standard_normal(10))
        a_lost, b_lost = rng.random((2, 10)) < lost
        pairs = Pairs(np.where(a_lost | b_lost, np.nan, a - b), b_lost.astype(float) - a_lost)
        wrong += paired_effect(pairs, "greater", 0.0).p <= 0.05
    assert wrong / 1000 <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5


def test_what_is_extra_widens_the_interval_and_costs_freedom() -> None:
    values = sample(8)
    pairs = Pairs(values, np.zeros(8))
    found = paired_effect(pairs, "greater", 0.0, extra=(0.2, 4.0))
    own = values.var(ddof=1) / 8
    freedom = (own + 0.2) ** 2 / (own**2 / 7 + 0.2**2 / 4)
    law = stats.t(freedom, values.mean(), (own + 0.2) ** 0.5)
    assert found.limits(0.05) == pytest.approx(law.interval(0.95), rel=1e-9)
    assert found.p_supported == pytest.approx(min(1, 2 * law.cdf(0)), rel=1e-9)
    assert paired_effect(pairs, "greater", 0.0).p < found.p


def test_arms_are_paired_by_replicate_and_the_one_with_fewer_runs_not_converged_leads() -> None:
    nan = np.nan
    a = Arm(np.array([[3.0, nan, 5.0, 1.0], [1.0, 2.0, nan, nan]]),
            np.array([[0, 1, 0, 0], [0, 0, 1, 0]], dtype=bool))  # fmt: skip
    b = Arm(np.array([[1.0, 1.0, nan, 1.0], [1.0, 1.0, 2.0, 1.0]]),
            np.array([[0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool))  # fmt: skip
    # Both converged; A lost one of two; one each, in settings of their own; one of A's is missing.
    pairs = pair_up(a, b, "higher")
    np.testing.assert_array_equal(pairs.difference, [1.0, 1.0, nan, nan])
    np.testing.assert_array_equal(pairs.lead, [0.0, -1.0, 0.0, nan])
    np.testing.assert_array_equal(pairs.outcome, [1.0, -np.inf, nan, nan])
    np.testing.assert_array_equal(pair_up(a, b, "lower").lead, [0.0, 1.0, 0.0, nan])


def test_constant_differences_are_judged_by_signs() -> None:
    found = effect(np.full(8, 60.0), "less", 0.0)
    assert (found.test, found.interval, found.sd) == ("sign", None, None)
    assert found.p_refuted == pytest.approx(2 / 2**8)
    assert effect(np.zeros(6), "greater", 0.0).p == 1.0
    assert effect(np.full(6, 0.3), "greater", 0.3).p == 1.0
    assert effect(np.zeros(6), "equal", 0.5).p_supported == pytest.approx(1 / 2**6)
    assert effect(np.array([1.0]), "greater", 0.0).p == 1.0


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
    wrong = 0
    for _ in range(600):
        a, b = rng.standard_normal((4, 6)), 3 * rng.standard_normal((4, 6))
        wrong += sensitivity(a, b, "less").p <= 0.05
    assert wrong / 600 < 0.07


def test_the_arm_that_loses_more_levels_is_the_more_sensitive() -> None:
    none, lost = np.zeros(6), np.array([1, 1, 2, 1, 1, 1])
    found = lost_more(none, lost, "less")
    assert found.test == "sign"
    assert found.p_supported == pytest.approx(2 / 64)
    assert lost_more(lost, none, "less").p_refuted == pytest.approx(2 / 64)
    assert lost_more(none, lost, "equal").p_refuted == pytest.approx(2 / 64)
    assert lost_more(lost, lost, "less").p == 1.0
    assert sensitivity(np.full((3, 6), np.nan), np.zeros((3, 6)), "less") is NOTHING


@given(n=st.integers(1, 30), data=st.data(), expected=st.sampled_from([0.5, 0.9]))
def test_a_rate_agrees_with_its_interval(n, data, expected) -> None:
    k = data.draw(st.integers(0, n))
    found = rate(k, n, expected)
    assert found.interval is not None
    low, high = found.interval(0.05)
    assert (found.p_supported <= 0.05) == (low >= expected)
    assert (found.p_refuted <= 0.05) == (high <= expected)


def test_several_statements_hold_where_each_does() -> None:
    up = [effect(sample(8, 3, seed), "greater", 0.0) for seed in range(3)]
    assert all_of(up).p_supported == max(step.p_supported for step in up)
    down = effect(sample(8, -3, 9), "greater", 0.0)
    assert all_of([*up, down]).p_supported == 1.0
    assert all_of([*up, down]).p_refuted == pytest.approx(4 * down.p_refuted)
    assert all_of([*up, NOTHING]) is NOTHING


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


@pytest.mark.parametrize("n", [17, 40, 125])
def test_of_many_pairs_random_signs_are_the_t_of_scipy(n: int) -> None:
    for seed in range(20):
        values = sample(n, 0.1, seed)
        assert sign_flip(values) == stats.ttest_1samp(values, 0.0).pvalue


def test_uneven_differences_are_seen_and_even_ones_seldom() -> None:
    values = sample(8, 1.0)
    assert is_uneven(np.append(values[:-1], 60.0))[0]
    # All eight agree in sign, which random signs see and a t that one of them widens does not.
    flips = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 3.0])
    assert is_uneven(flips)[1]
    assert is_uneven(values[:5]) == is_uneven(np.ones(8)) == (False, False)
    rng = np.random.default_rng(0)
    # Of 400 normal samples of eight 2 to 3 % have one so far out, and 2 % are told by one test.
    assert np.mean([is_uneven(rng.standard_normal(8)) for _ in range(400)]) < 0.1


def test_small_numbers() -> None:
    assert sign_flip(np.ones(6)) == pytest.approx(2 / 64)
    assert sign_flip(np.ones(1)) is None
    assert chance_of_better(np.array([1.0, -1.0, 0.0, 2.0])) == 0.625
    assert chance_of_better(np.empty(0)) is None
    table = [[3, 5], [1, 4]]
    assert sign_p(5, 1) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, abs=1e-10)
    assert sign_p(0, 0) == 1.0
