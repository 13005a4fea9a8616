import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from ablate.metrics import scores


def sample(seed, examples=200, classes=5, scale=3.0):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((examples, classes)).astype(np.float32) * scale
    labels = rng.integers(0, classes, examples)
    labels[:classes] = np.arange(classes)  # scikit-learn wants every class to occur
    return logits, labels


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(seed):
    logits, labels = sample(seed)
    p = softmax(logits.astype(np.float64), axis=1)
    result = scores.scores(logits, labels)
    # Both compute in float64: they differ in the order of a few operations only.
    assert result["nll"] == pytest.approx(log_loss(labels, p), rel=1e-12)
    assert result["loss"] == result["nll"]
    assert result["accuracy"] == accuracy_score(labels, p.argmax(axis=1))
    expected = brier_score_loss(labels, p, labels=range(5), scale_by_half=False)
    assert result["brier"] == pytest.approx(expected, rel=1e-12)


def test_calibration_error_by_hand():
    # Two bins out of 15: confidence 0.5 (right 1 of 2), confidence 0.9 (right 0 of 1).
    p = np.array([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3], [0.05, 0.9, 0.05]])
    labels = np.array([0, 1, 0])
    error = scores.calibration_error(np.log(p), labels)
    assert error == pytest.approx((2 * abs(0.5 - 0.5) + 1 * 0.9) / 3, rel=1e-12)


def test_calibration_error_of_sure_and_right_is_zero():
    logits = np.array([[100.0, 0.0], [0.0, 100.0]])
    assert scores.scores(logits, np.array([0, 1]))["ece"] == pytest.approx(0, abs=1e-12)


def test_calibration_bins_are_closed_on_the_right():
    # 2 of 3 bins: a confidence of exactly 2/3 belongs to (1/3, 2/3], together with 0.5.
    log_p = np.log(np.array([[0.5, 0.5], [2 / 3 - 1e-9, 1 / 3 + 1e-9]]))
    labels = np.array([0, 1])
    gap = abs((1 - 0.5) + (0 - 2 / 3)) / 2
    assert scores.calibration_error(log_p, labels, bins=3) == pytest.approx(gap, rel=1e-6)


def test_uniform_logits():
    result = scores.scores(np.zeros((10, 4), dtype=np.float32), np.arange(10) % 4)
    assert result["nll"] == pytest.approx(math.log(4), rel=1e-14)
    assert result["accuracy"] == 0.3  # the first class wins a tie, and 3 of 10 are of it
    assert result["brier"] == pytest.approx(0.75, rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_gives_no_scores(bad):
    logits = np.zeros((3, 2), dtype=np.float32)
    logits[1, 1] = bad
    assert scores.scores(logits, np.zeros(3, dtype=np.int64)) == {}


def test_huge_logits_stay_finite():
    logits = np.array([[3e38, -3e38], [-3e38, 3e38]], dtype=np.float32)
    result = scores.scores(logits, np.array([0, 0]))
    assert all(math.isfinite(value) for value in result.values())


@given(seed=st.integers(0, 2**31), shift=st.floats(-50, 50))
def test_a_shift_of_all_logits_changes_nothing(seed, shift):
    logits, labels = sample(seed, examples=20)
    moved = scores.scores(logits.astype(np.float64) + shift, labels)
    for name, value in scores.scores(logits.astype(np.float64), labels).items():
        assert moved[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
