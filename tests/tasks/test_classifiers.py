"""Combining predictions: the ensemble law, votes, and disagreement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from ablate.metrics.scores import scores
from ablate.tasks import classifiers


def sample(seed, members=5, examples=80, classes=4):
    rng = np.random.default_rng(seed)
    common = 1.5 * rng.standard_normal((examples, classes))
    logits = (common + rng.standard_normal((members, examples, classes))).astype(np.float32)
    return logits, rng.integers(0, classes, examples)


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_the_brier_score_of_the_average_follows_the_law_exactly(seed, members):
    logits, labels = sample(seed, members)
    v, c = classifiers.brier_law(logits, labels)
    measured = classifiers.ensemble_scores(logits, labels, "average")["test/brier"]
    # An identity: only the order of float64 sums differs.
    assert measured == pytest.approx(v / members + (members - 1) * c / members, rel=1e-12)


def test_the_law_by_its_definition():
    logits, labels = sample(3, members=4)
    errors = softmax(logits.astype(np.float64), axis=2) - np.eye(4)[labels]
    v, c = classifiers.brier_law(logits, labels)
    assert v == pytest.approx((errors**2).sum(axis=2).mean(), rel=1e-12)
    pairs = [(errors[i] * errors[j]).sum(axis=1).mean() for i in range(4) for j in range(i)]
    assert c == pytest.approx(np.mean(pairs), rel=1e-12)


def test_an_average_is_the_log_of_the_mean_probability():
    logits, _ = sample(1)
    expected = np.log(softmax(logits.astype(np.float64), axis=2).mean(axis=0))
    np.testing.assert_allclose(classifiers.combine(logits, "average"), expected, rtol=1e-12)


def test_a_geometric_mean_is_normalized_and_the_mean_of_logits():
    logits, labels = sample(1)
    p = np.prod(softmax(logits.astype(np.float64), axis=2), axis=0) ** (1 / len(logits))
    expected = p / p.sum(axis=1, keepdims=True)
    together = classifiers.combine(logits, "geometric")
    np.testing.assert_allclose(np.exp(together), expected, rtol=1e-12)
    # What is added to all logits of an example drops out: it is the softmax of their mean.
    mean = softmax(logits.astype(np.float64).mean(axis=0), axis=1)
    np.testing.assert_allclose(np.exp(together), mean, rtol=1e-12)
    found = classifiers.ensemble_scores(logits, labels, "geometric")
    assert found["test/nll"] == pytest.approx(-np.log(expected[range(80), labels]).mean())


@pytest.mark.parametrize("how", ["average", "geometric", "vote"])
def test_one_member_decides_alone(how):
    logits, labels = sample(2, members=1)
    alone = scores(logits[0], labels)
    result = classifiers.ensemble_scores(logits, labels, how)
    assert result["test/accuracy"] == alone["accuracy"] == result["members/accuracy"]
    assert "members/covariance" not in result
    if how == "average":
        for name in ("nll", "brier", "ece"):
            assert result[f"test/{name}"] == pytest.approx(alone[name], rel=1e-12)


def test_votes():
    # Three members, two examples: 2 of 3 say class 1; all say class 0.
    logits = np.array(
        [[[0, 5, 0], [9, 0, 0]], [[0, 1, 0], [9, 0, 0]], [[7, 0, 0], [9, 0, 0]]], dtype=np.float32
    )
    shares = np.exp(classifiers.combine(logits, "vote"))
    np.testing.assert_allclose(shares, [[1 / 3, 2 / 3, 0], [1, 0, 0]], rtol=1e-15)
    result = classifiers.ensemble_scores(logits, np.array([1, 0]), "vote")
    assert result["test/accuracy"] == 1
    assert result["test/brier"] == pytest.approx((2 * (1 / 3) ** 2 + 0) / 2, rel=1e-12)
    assert "test/nll" not in result
    # The average is another rule: here the sure third member would win the first example.
    assert classifiers.combine(logits, "average").argmax(axis=1).tolist() == [1, 0]


def test_disagreement():
    chosen = np.array([[0, 1, 2, 0], [0, 1, 2, 1], [0, 1, 0, 0]])
    logits = 5.0 * np.eye(3)[chosen]
    # Pairs differ on 1, 1 and 2 of 4 examples.
    assert classifiers.disagreement(logits) == pytest.approx((1 + 1 + 2) / 12, rel=1e-15)
