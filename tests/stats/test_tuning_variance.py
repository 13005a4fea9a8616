"""The variance that a choice adds, against closed forms, all orders of resampling, and itself."""

import itertools

import numpy as np
import pytest
from bench.tuning import errors

from ablate.stats import tuning_variance


def test_two_values_of_which_one_resample_in_so_many_likes_the_other() -> None:
    """Value 0 leads unless replicate 2 fills the resample twice or more: 7 of 27 ways."""
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.5]])
    found = tuning_variance([[(scores, np.array([3.0, 1.0]))]])
    p = 7 / 27
    assert found is not None
    assert found == pytest.approx((p * (1 - p) * 2.0**2 * 3 / 2, 2))


def brute(scores: np.ndarray, metric: np.ndarray) -> float:
    """Return the variance over all T^T resamples in order."""
    replicates = scores.shape[1]
    ways = itertools.product(range(replicates), repeat=replicates)
    return float(np.var([metric[scores[:, list(way)].mean(axis=1).argmax()] for way in ways]))


@pytest.mark.parametrize("replicates", [3, 4, 5])
def test_every_resample_is_counted_with_its_probability(replicates: int) -> None:
    rng = np.random.default_rng(replicates)
    scores, metric = rng.standard_normal((4, replicates)), rng.standard_normal(4)
    (variance, freedom) = tuning_variance([[(scores, metric)]]) or (0.0, 0.0)
    assert variance == pytest.approx(brute(scores, metric) * replicates / (replicates - 1))
    assert freedom == replicates - 1


def test_drawn_resamples_agree_with_the_normal_theory_of_a_choice_of_two() -> None:
    """Of ten replicates: the lead's bootstrap is normal, so that P(other) = Phi(-mean/se)."""
    rng = np.random.default_rng(7)
    lead = rng.standard_normal(10)
    lead += 0.6 * lead.std() / np.sqrt(10) - lead.mean()
    scores = np.stack([lead, np.zeros(10)])
    variance, _ = tuning_variance([[(scores, np.array([1.0, 0.0]))]]) or (0.0, 0.0)
    p = 0.2743  # Phi(-0.6)
    # Ten values resampled are near a normal; 2,000 draws: 4 standard errors of p are 0.04.
    assert variance * 9 / 10 == pytest.approx(p * (1 - p), abs=0.03)


def test_arms_add_and_settings_of_an_arm_move_together() -> None:
    rng = np.random.default_rng(3)
    tried = rng.standard_normal((3, 5)), rng.standard_normal(3)
    (one, _) = tuning_variance([[tried]]) or (0.0, 0.0)
    (both, _) = tuning_variance([[tried], [tried]]) or (0.0, 0.0)
    (twice, _) = tuning_variance([[tried, tried]]) or (0.0, 0.0)
    assert one > 0
    assert both == pytest.approx(2 * one)
    assert twice == pytest.approx(one)  # the mean of two that are the same is that one


def test_a_choice_that_no_resample_would_make_otherwise_adds_nothing() -> None:
    scores = np.array([[1.0, 1.1, 0.9, 1.0], [0.1, 0.2, 0.0, 0.1]])
    assert tuning_variance([[(scores, np.array([0.5, 0.9]))]]) == (0.0, 3.0)


def test_values_at_which_no_run_converged_are_left_out() -> None:
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.5]])
    assert tuning_variance([[(scores, np.array([3.0, np.nan]))]]) == pytest.approx((0.0, 2.0))
    assert tuning_variance([[(scores, np.full(2, np.nan))]]) == (0.0, 2.0)


@pytest.mark.parametrize("replicates", [1, 2])
def test_one_or_two_replicates_tell_nothing(replicates: int) -> None:
    assert tuning_variance([[(np.ones((2, replicates)), np.ones(2))]]) is None


def test_alike_arms_are_told_apart_no_more_often_than_a_level_says() -> None:
    """1,000 studies: three standard errors of a share of 5 % are 2.1 points."""
    assert errors("nested", 1, 1.0, 1000, seed=5) == pytest.approx(0.05, abs=0.021)
    assert errors("covered", 10, 1.0, 1000, seed=5) < 0.05 + 0.021
    assert errors("shared", 3, 1.0, 1000, seed=5) > 0.2
