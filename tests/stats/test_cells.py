from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.stats import (
    Arm,
    best_cell,
    compare,
    compare_all,
    not_shown_worse,
    pair_up,
    paired_effect,
    summarize,
)

NC, MISSING = "n/c", None
fractions = st.floats(0, 1, allow_nan=False, width=32)


def outcomes(*values: float | str | None) -> Arm:
    """Return the runs of one cell by replicate."""
    numbers = [math.nan if value in (NC, MISSING) else value for value in values]
    return Arm(np.array([numbers], dtype=float), np.array([[value == NC for value in values]]))


@settings(deadline=None, max_examples=60)
@given(st.lists(fractions, min_size=2, max_size=12))
def test_summary_agrees_with_scipy(values):
    summary = summarize(outcomes(*values))
    x = np.array(values)
    assert summary.mean == pytest.approx(x.mean(), abs=1e-12)
    assert summary.sd == pytest.approx(x.std(ddof=1), abs=1e-12)
    if x.std(ddof=1) > 0:
        interval = stats.ttest_1samp(x, 0.0).confidence_interval(0.95)
        # scipy forms the interval from the same t quantile in another order of operations
        assert summary.half_width == pytest.approx((interval.high - interval.low) / 2, abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(fractions, fractions), min_size=2, max_size=12))
def test_paired_t_agrees_with_ttest_rel(pairs):
    a, b = (np.array(side, dtype=np.float64) for side in zip(*pairs, strict=True))
    difference = a - b
    if np.ptp(difference) < 1e-6:
        return
    found = compare(outcomes(*a), outcomes(*b), "higher")
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert found.evidence.test == "paired t"
    assert found.p == pytest.approx(expected.pvalue, abs=1e-10)
    assert found.evidence.limits(0.05) == pytest.approx((interval.low, interval.high), abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(fractions, fractions), min_size=2, max_size=8))
def test_comparing_is_antisymmetric(pairs):
    a, b = zip(*pairs, strict=True)
    one, other = (
        compare(outcomes(*a), outcomes(*b), "higher"),
        compare(outcomes(*b), outcomes(*a), "higher"),
    )
    swapped = {"a": "b", "b": "a", "neither": "neither"}
    assert (one.wins, one.losses) == (other.losses, other.wins)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert one.favours == swapped[other.favours]


def test_none_of_six_not_converged_leaves_up_to_forty_six_percent():
    summary = summarize(outcomes(*[0.9] * 6))
    assert summary.convergence_low == pytest.approx(0.025 ** (1 / 6), abs=1e-9)


def test_a_single_run_has_no_interval():
    summary = summarize(outcomes(0.9))
    assert (summary.mean, summary.sd, summary.half_width) == (0.9, None, None)


def test_not_converged_runs_are_counted_and_not_averaged():
    summary = summarize(outcomes(0.9, NC, 0.8, MISSING, NC))
    assert (summary.n, summary.not_converged, summary.missing) == (4, 2, 1)
    assert summary.mean == pytest.approx(0.85)
    assert summary.convergence == 0.5
    assert not summary.is_eligible


def test_a_cell_without_runs_has_no_numbers():
    summary = summarize(outcomes(MISSING, MISSING))
    assert (summary.n, summary.missing, summary.mean, summary.convergence) == (0, 2, None, None)


def test_not_converged_loses_and_two_of_them_tie():
    found = compare(outcomes(0.9, 0.9, NC, NC), outcomes(0.8, NC, 0.8, NC), "higher")
    # With a single pair that converged in both, who lost fewer runs is all that is judged.
    assert (found.evidence.test, found.pairs, found.wins, found.losses) == ("sign", 4, 2, 1)
    assert found.evidence.n_effect == 1
    assert found.p == pytest.approx(stats.binomtest(2, 3).pvalue)
    assert found.favours == "neither"  # not even at 100 %


def test_six_wins_over_not_converged_reach_five_percent():
    found = compare(outcomes(*[0.9] * 6), outcomes(*[NC] * 6), "higher")
    assert found.p == pytest.approx(2 * 0.5**6)


def test_all_not_converged_is_a_tie():
    assert compare(outcomes(NC, NC), outcomes(NC, NC), "higher").p == 1.0


def test_missing_runs_make_no_pair():
    found = compare(outcomes(0.9, 0.8, MISSING), outcomes(0.8, MISSING, 0.7), "higher")
    assert (found.evidence.test, found.pairs, found.p) == ("none", 1, None)


def test_equal_differences_are_judged_by_signs_and_have_no_interval():
    found = compare(outcomes(0.9, 0.8, 0.7), outcomes(0.8, 0.7, 0.6), "higher")
    assert (found.p, found.evidence.interval) == (0.25, None)
    same = compare(outcomes(0.9, 0.8, 0.7), outcomes(0.9, 0.8, 0.7), "higher")
    assert (same.p, same.evidence.interval) == (1.0, None)


def test_lower_is_better_turns_the_winner_round():
    a, b = outcomes(0.9, 0.8, 0.95), outcomes(0.7, 0.65, 0.75)
    assert compare(a, b, "higher").favours == "a"
    assert compare(a, b, "lower").favours == "b"
    assert best_cell([summarize(a), summarize(b)], "lower") == 1


def test_favour_follows_the_mean_where_t_is_the_test():
    # two small wins, one large loss: the t test looks at the mean
    found = compare(outcomes(0.9, 0.91, 0.5), outcomes(0.89, 0.9, 0.9), "higher")
    assert (found.wins, found.losses, found.favours) == (2, 1, "b")


def test_best_is_never_a_cell_with_half_not_converged():
    lucky, steady = outcomes(0.99, 0.99, NC, NC), outcomes(0.9, 0.9, 0.9, 0.9)
    assert best_cell([summarize(lucky), summarize(steady)], "higher") == 1
    assert best_cell([summarize(lucky)], "higher") is None


def test_not_shown_worse_uses_all_pairs_of_the_column():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.002, (4, 6))
    cells = [outcomes(*(mean + noise[i])) for i, mean in enumerate([0.95, 0.9495, 0.945, 0.80])]
    cells.append(outcomes(*[NC] * 6))
    summaries = [summarize(cell) for cell in cells]
    pairs = compare_all(cells, "higher")
    assert len(pairs) == 10
    best = best_cell(summaries, "higher")
    assert best == 0
    tied = not_shown_worse(best, pairs, summaries)
    assert 1 in tied
    assert 3 not in tied
    assert 4 not in tied  # n/c is never marked, whatever its p
    adjusted = [pair.p_adjusted for pair in pairs]
    expected = multipletests([pair.test.p for pair in pairs], method="holm")[1]
    assert adjusted == pytest.approx(expected, abs=1e-12)


def test_adjusting_all_pairs_marks_a_cell_that_raw_p_would_not():
    a = outcomes(0.95, 0.951, 0.949, 0.95)
    b = outcomes(0.946, 0.949, 0.9455, 0.9492)
    others = [outcomes(0.9, 0.93, 0.95, 0.91), outcomes(0.93, 0.91, 0.9, 0.95)]
    cells = [a, b, *others]
    pairs = compare_all(cells, "higher")
    first = pairs[0]
    assert first.test.p < 0.05 < first.p_adjusted
    assert 1 in not_shown_worse(0, pairs, [summarize(cell) for cell in cells])


def test_a_table_and_a_claim_have_the_same_test():
    a, b = [0.9, 0.91, 0.92, 0.9, 0.93, 0.91], [0.8, 0.83, 0.81, 0.8, 0.79, 0.8]
    trails = compare(outcomes(*a), outcomes(NC, *b[1:]), "higher")
    arms = outcomes(*a), outcomes(NC, *b[1:])
    assert trails.p == paired_effect(pair_up(*arms, "higher"), "greater", 0.0).p_supported
    assert (trails.evidence.test, trails.wins, trails.favours) == ("two parts", 6, "a")
    leads = compare(outcomes(NC, *a[1:]), outcomes(*b), "higher")
    assert leads.p > trails.p
    assert (leads.wins, leads.losses) == (5, 1)
