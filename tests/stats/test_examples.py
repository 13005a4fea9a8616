"""A mean over replicates and examples: closed forms, and coverage where the truth is known."""

import numpy as np
import pytest
from scipy import stats

from ablate.stats import Array
from ablate.stats.evidence import p_values
from ablate.stats.examples import Crossed, crossed
from ablate.stats.intervals import Estimate

RNG = np.random.default_rng(7)
#: Sums of thousands of doubles agree to about 1e-13 of their size.
CLOSE = 1e-9


def additive(replicates: Array, examples: Array) -> Array:
    """Return values without any interaction."""
    return np.asarray(replicates[:, None] + examples)


def test_where_all_examples_are_alike_it_is_the_paired_t() -> None:
    differences = np.array([1.0, 0.2, 0.7, 0.4, 0.9, 0.1])
    found = crossed(additive(differences, np.zeros(50)))
    expected = stats.ttest_1samp(differences, 0.0)
    assert found.both.error == pytest.approx(stats.sem(differences), rel=CLOSE)
    assert found.both == found.alone
    assert found.both.freedom == 5
    assert found.interval(0.05) == pytest.approx(expected.confidence_interval(0.95), rel=CLOSE)
    assert p_values(found, "greater", 0.0) == pytest.approx((expected.pvalue, 1.0), rel=CLOSE)


def test_where_all_replicates_are_alike_it_is_the_t_over_examples() -> None:
    examples = RNG.integers(-1, 2, 40).astype(float) + 0.5
    found = crossed(additive(np.zeros(8), examples))
    expected = stats.ttest_1samp(examples, 0.0)
    assert found.both.error == pytest.approx(stats.sem(examples), rel=CLOSE)
    assert found.both.freedom == pytest.approx(39, rel=CLOSE)
    assert found.alone is None
    assert p_values(found, "greater", 0.0)[0] == pytest.approx(expected.pvalue, rel=CLOSE)


def test_without_interaction_the_two_variances_add_up() -> None:
    replicates, examples = RNG.standard_normal(6), RNG.standard_normal(30)
    found = crossed(additive(replicates, examples))
    of_r, of_i = stats.sem(replicates) ** 2, stats.sem(examples) ** 2
    assert found.both.error == pytest.approx(np.sqrt(of_r + of_i), rel=CLOSE)
    # Satterthwaite's formula for the sum of two independent variances.
    assert found.both.freedom == pytest.approx(
        (of_r + of_i) ** 2 / (of_r**2 / 5 + of_i**2 / 29), rel=CLOSE
    )


def test_its_mean_squares_are_those_of_the_two_way_layout() -> None:
    values = RNG.integers(-1, 2, (5, 12)).astype(float)
    values[:, :4] += 1  # so that examples differ
    whole = values - values.mean()
    rows, columns = (whole.mean(axis=axis, keepdims=True) for axis in (1, 0))
    squares = [12 * (rows**2).sum(), 5 * (columns**2).sum(), ((whole - rows - columns) ** 2).sum()]
    assert sum(squares) == pytest.approx((whole**2).sum(), rel=CLOSE)
    r, i, both = (square / df for square, df in zip(squares, (4, 11, 44), strict=True))
    assert i > both
    found = crossed(values)
    assert found.both.error**2 == pytest.approx((r + i - both) / 60, rel=CLOSE)
    df = (r + i - both) ** 2 / (r**2 / 4 + i**2 / 11 + both**2 / 44)
    assert found.both.freedom == pytest.approx(df, rel=CLOSE)


def test_less_than_no_effect_of_examples_is_none() -> None:
    values = np.tile([[1.0, -1.0], [-1.0, 1.0]], (3, 10)) + np.arange(6.0)[:, None]
    found = crossed(values)  # every example has the same mean over replicates
    assert found.both == found.alone
    assert found.both.freedom == 5


def test_a_variance_that_values_do_not_show_is_added() -> None:
    values = additive(RNG.standard_normal(6), RNG.standard_normal(30))
    plain, more = crossed(values), crossed(values, (0.02, 2.0))
    assert plain.alone is not None
    assert more.alone is not None
    of_r, of_i = plain.alone.error**2, plain.both.error**2 - plain.alone.error**2
    assert more.alone.error**2 == pytest.approx(of_r + 0.02, rel=CLOSE)
    assert more.both.error**2 == pytest.approx(of_r + of_i + 0.02, rel=CLOSE)
    freedom = (of_r + of_i + 0.02) ** 2 / (of_r**2 / 5 + of_i**2 / 29 + 0.02**2 / 2)
    assert more.both.freedom == pytest.approx(max(freedom, 5.0), rel=CLOSE)


def test_nothing_that_varies_decides_nothing() -> None:
    found = crossed(np.full((6, 20), 0.1))
    assert found.interval(0.05) == (found.both.mean, found.both.mean)
    assert p_values(found, "greater", 0.0) == (1, 1)
    assert min(p_values(found, "equal", 1.0)) == 0.5


@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_p_and_interval_say_the_same(margin: float) -> None:
    sides = set()
    for shift in np.linspace(-1.5, 1.5, 13):
        found = crossed(additive(shift + RNG.standard_normal(7), RNG.standard_normal(20)))
        supported, refuted = p_values(found, "greater", margin)
        low, high = found.interval(0.05)
        assert (supported <= 0.05, refuted <= 0.05) == (low > margin, high < margin)
        sides.add((low > margin, high < margin))
    assert len(sides) == 3  # all three cases were met


def test_it_is_never_surer_than_replicates_alone() -> None:
    # More degrees of freedom outweigh so small a standard error of the examples.
    found = Crossed(Estimate(3.0, 1.02, 5.6), Estimate(3.0, 1.0, 5), 6, 100)
    alone = stats.t.ppf(0.975, 5)
    assert stats.t.ppf(0.975, 5.6) * 1.02 < alone
    assert found.interval(0.05) == pytest.approx((3 - alone, 3 + alone), rel=CLOSE)
    # In the middle of the t it is the standard error that counts.
    assert found.above(0.0) == pytest.approx(max(stats.t.sf(3 / 1.02, 5.6), stats.t.sf(3, 5)))
    assert found.below(2.9) == pytest.approx(max(stats.t.cdf(0.1 / 1.02, 5.6), stats.t.cdf(0.1, 5)))


@pytest.mark.parametrize(
    ("of_replicates", "of_examples"), [(0.05, 0.3), (0.0, 0.3), (0.05, 0.0), (0.02, 1.0)]
)
def test_intervals_cover_the_truth_where_examples_are_drawn_anew(
    of_replicates: float, of_examples: float
) -> None:
    """Truth 0, R = 6, N = 60; sampling error of 1,500 studies: 0.6 points, three of them."""
    rng, studies = np.random.default_rng(1), 1500
    covered = covered_alone = 0
    for _ in range(studies):
        values = (
            of_replicates * rng.standard_normal((6, 1))
            + of_examples * rng.standard_normal((1, 60))
            + rng.standard_normal((6, 60))
        )
        found = crossed(values)
        assert found.alone is not None
        low, high = found.interval(0.05)
        covered += low <= 0 <= high
        covered_alone += abs(found.both.mean) <= stats.t.ppf(0.975, 5) * found.alone.error
    assert covered / studies > 0.95 - 0.018
    if of_examples > 5 * of_replicates:
        assert covered_alone < covered
    if of_examples == 1:
        assert covered_alone / studies < 0.8


def test_answers_right_and_wrong_are_covered_as_well() -> None:
    """Two classifiers, equally good over all examples, that differ on single ones."""
    rng, studies, covered = np.random.default_rng(2), 1000, 0
    for _ in range(studies):
        easy = rng.beta(8, 1, 200)
        shift = rng.choice([-0.1, 0.1], 200)
        right = rng.random((2, 8, 200)) < np.clip([[easy + shift], [easy - shift]], 0, 1)
        low, high = crossed(right[0].astype(float) - right[1]).interval(0.05)
        covered += low <= 0 <= high
    assert covered / studies > 0.95 - 3 * np.sqrt(0.05 * 0.95 / studies)
