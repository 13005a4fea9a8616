import numpy as np
import pytest
from scipy import stats as scipy_stats

from ablate.stats import holm_levels
from ablate.stats.looks import SHIPPED, levels, sequential_p, simulate_levels
from ablate.stats.stopping import conditional_power, simulate_stops

LOOKS = (6, 10, 15, 20)


def raw_p(looks: tuple[int, ...], draws: int, seed: int, mean: float = 0.0) -> np.ndarray:
    """Return p by look and draw (K, draws) from whole samples, by scipy's own test."""
    values = np.random.default_rng(seed).normal(mean, 3.0, (draws, looks[-1]))
    return np.array([scipy_stats.ttest_1samp(values[:, :n], 0.0, axis=1).pvalue for n in looks])


@pytest.mark.parametrize("looks", SHIPPED, ids=str)
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 7])
def test_each_look_spends_its_share_of_the_level(looks: tuple[int, ...], alpha: float) -> None:
    draws = 60_000
    decided = raw_p(looks, draws, seed=1) <= levels(looks, alpha)[:, None]
    first = decided & (np.cumsum(decided, axis=0) == 1)
    spent = np.diff((np.array(looks) / looks[-1]) ** 2, prepend=0) * alpha
    # Four standard errors of a share in so many draws.
    error = 4 * np.sqrt(spent / draws)
    assert np.all(np.abs(first.mean(axis=1) - spent) < error)


def test_levels_are_those_of_another_simulation() -> None:
    # 10^6 draws with other code: three standard errors of a quantile at such a share are 3 to 9 %.
    published = {
        1: (0.00446, 0.00896, 0.01988, 0.03409), 2: (0.00228, 0.00436, 0.00964, 0.01604),
        3: (0.00152, 0.00289, 0.00627, 0.01040), 4: (0.00116, 0.00217, 0.00467, 0.00766),
        5: (0.00092, 0.00172, 0.00368, 0.00604), 6: (0.00076, 0.00142, 0.00304, 0.00500),
        7: (0.00064, 0.00121, 0.00257, 0.00425),
    }  # fmt: skip
    for claims, known in published.items():
        assert levels(LOOKS, 0.05 / claims) == pytest.approx(known, rel=0.035)


def test_shipped_tables_are_what_is_simulated() -> None:
    # Of 200,000 draws a level of 5 % and above is known to 1 %.
    alphas = np.geomspace(1e-4, 1, 41)
    found = simulate_levels(LOOKS, draws=200_000, seed=3)
    for alpha, column in zip(alphas, found.T, strict=True):
        if alpha > 0.05:
            assert levels(LOOKS, alpha) == pytest.approx(column, rel=0.01)


def test_the_first_look_is_exact_and_none_is_below_the_union_bound() -> None:
    spent = np.diff((np.array(LOOKS) / 20) ** 2, prepend=0)
    for alpha in (1.0, 0.3, 0.05, 1e-3, 2e-5, 1e-7):
        assert levels(LOOKS, alpha)[0] == pytest.approx(alpha * 0.09, rel=1e-12)
        assert np.all(levels(LOOKS, alpha) >= alpha * spent * (1 - 1e-12))
        assert levels(LOOKS, alpha, lawful=0) == pytest.approx(alpha * spent)
    assert levels(LOOKS, 1.0)[-1] == pytest.approx(1.0, abs=1e-3)  # all is spent at the end
    mixed = levels(LOOKS, 0.05, lawful=2)
    assert mixed[1] == levels(LOOKS, 0.05)[1]
    assert mixed[2:] == pytest.approx(0.05 * spent[2:])


def test_levels_grow_with_the_level_of_the_claim() -> None:
    found = np.array([levels(LOOKS, alpha) for alpha in np.geomspace(1e-9, 1, 200)])
    assert np.all(np.diff(found, axis=0) > 0)


@pytest.mark.parametrize("lawful", [None, 0, 2])
@pytest.mark.parametrize("alpha", [0.9, 0.05, 0.05 / 7, 2e-5, 1e-8])
def test_sequential_p_is_the_smallest_level_that_decides(lawful: int | None, alpha: float) -> None:
    for look, level in enumerate(levels(LOOKS, alpha, lawful)):
        p = np.ones(look + 1)
        p[look] = level
        assert sequential_p(p, LOOKS, lawful)[-1] == pytest.approx(alpha, rel=1e-9)


def test_one_look_gives_the_plain_p() -> None:
    assert sequential_p([0.0123], (7,))[0] == 0.0123
    assert levels((7,), 0.05)[0] == 0.05


def test_a_claim_that_was_decided_stays_so() -> None:
    q = sequential_p([[0.5, 1e-5], [1e-3, 0.9], [0.4, 0.9]], LOOKS)
    assert q[0, 0] == 1.0
    assert q[2, 0] == q[1, 0] < 0.05
    assert np.all(q[:, 1] == q[0, 1])


def test_looks_of_another_kind_are_simulated_once() -> None:
    draws = 60_000
    looks = (7, 8, 12)
    decided = raw_p(looks, draws, seed=2) <= levels(looks, 0.05)[:, None]
    assert decided.any(axis=0).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / draws))


def test_conditional_power_is_the_share_of_continued_samples() -> None:
    rng = np.random.default_rng(5)
    n, most, level = 10, 20, 0.03
    values = rng.normal(0.3, 1.0, n)
    mean, sd = values.mean(), values.std(ddof=1)
    more = rng.normal(mean + sd / np.sqrt(n), sd, (40_000, most - n))
    whole = np.hstack([np.tile(values, (40_000, 1)), more])
    shown = scipy_stats.ttest_1samp(whole, 0.0, axis=1)
    share = ((shown.pvalue <= level) & (shown.statistic > 0)).mean()
    # The deviation of the whole sample is not yet known: a few points.
    assert conditional_power(mean, sd, n, most, level) == pytest.approx(share, abs=0.04)


def test_conditional_power_of_an_equality_is_that_of_its_interval() -> None:
    rng = np.random.default_rng(6)
    n, most, level, margin = 8, 20, 0.03, 0.8
    values = rng.normal(0.2, 0.8, n)
    mean, sd = values.mean(), values.std(ddof=1)
    truth = max(mean - sd / np.sqrt(n), 0.0)
    more = rng.normal(truth, sd, (40_000, most - n))
    whole = np.hstack([np.tile(values, (40_000, 1)), more])
    half = scipy_stats.t.ppf(1 - level, most - 1) * whole.std(axis=1, ddof=1) / np.sqrt(most)
    share = (np.abs(whole.mean(axis=1)) + half < margin).mean()
    found = conditional_power(mean, sd, n, most, level, "equal", margin)
    assert found == pytest.approx(share, abs=0.04)


def test_hopeless_and_certain_claims_are_told_apart() -> None:
    assert conditional_power(0.0, 1.0, 15, 20, 0.03) < 0.1
    assert conditional_power(1.0, 1.0, 15, 20, 0.03) > 0.99
    assert conditional_power(-1.0, 1.0, 15, 20, 0.03) > 0.99  # it is refuted


def test_simulated_rule_is_holm_over_sequential_p() -> None:
    # The same studies, judged one by one with the functions that judge reports.
    effects, draws = [1.0, 0.0, 0.5], 200
    stops = simulate_stops(LOOKS, effects, futility=False, draws=draws, seed=9)
    rng = np.random.default_rng(9)
    values = np.concatenate([
        np.asarray(effects) + rng.standard_normal((more, draws, 3))
        for more in np.diff(LOOKS, prepend=0)
    ])  # fmt: skip
    p = np.array([scipy_stats.ttest_1samp(values[:n], 0.0).pvalue for n in LOOKS])
    q = sequential_p(p, LOOKS)
    for draw in range(draws):
        by_holm = np.array(holm_levels(list(q[-1, draw]), 0.05))
        assert np.array_equal(q[-1, draw] <= by_holm, (stops.shown | stops.against)[draw])


def test_error_and_power_of_the_rule() -> None:
    # The standard error of a share of 5 % of 20,000 is 0.15 points, of one half 0.35.
    nothing = simulate_stops(LOOKS, [0.0], futility=False, draws=20_000)
    assert (nothing.shown | nothing.against).mean() == pytest.approx(0.05, abs=0.006)
    half = simulate_stops(LOOKS, [0.5], futility=False, draws=20_000)
    assert half.shown.mean() == pytest.approx(0.52, abs=0.015)
    assert half.replicates.mean() == pytest.approx(17.9, abs=0.15)
    family = simulate_stops(LOOKS, [0.0] * 7, futility=False, draws=10_000)
    assert (family.shown | family.against).any(axis=1).mean() < 0.057
    small = simulate_stops(LOOKS, [0.0], smallest=1.0, futility=False, draws=20_000)
    assert small.small.mean() == pytest.approx(0.94, abs=0.01)
    assert small.replicates.mean() == pytest.approx(15.0, abs=0.1)
