import math

import numpy as np
import pytest

from ablate.tasks.classification import Classification
from ablate.train.convergence import first_nonfinite

LEARNT = Classification().learnt
BALANCED = np.arange(1000) % 10
# 90 % of one class: entropy 0.325 nats, guessing it is right nine times of ten.
UNBALANCED = np.where(np.arange(1000) < 900, 0, 1)
ENTROPY = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))


@pytest.mark.parametrize(
    ("loss", "accuracy", "labels", "expected"),
    [
        pytest.param(math.log(10), 0.1, BALANCED, True, id="chance"),
        pytest.param(0.979 * math.log(10), 0.1, BALANCED, False, id="the loss has moved"),
        pytest.param(0.981 * math.log(10), 0.1, BALANCED, True, id="the loss has hardly moved"),
        pytest.param(5.0, 0.82, BALANCED, False, id="mostly right, yet a large loss"),
        pytest.param(5.0, 0.13, BALANCED, True, id="13 % and a large loss"),
        pytest.param(2.5, 0.19, BALANCED, False, id="at 0.1 + 0.1 * 0.9"),
        pytest.param(2.5, 0.1899, BALANCED, True, id="just below it"),
        pytest.param(ENTROPY, 0.9, UNBALANCED, True, id="unbalanced, the largest class"),
        pytest.param(ENTROPY, 0.905, UNBALANCED, True, id="unbalanced, a little better"),
        pytest.param(ENTROPY, 0.92, UNBALANCED, False, id="unbalanced, better"),
        pytest.param(0.9 * ENTROPY, 0.9, UNBALANCED, False, id="unbalanced, a lower loss"),
    ],
)
def test_nothing_learnt(loss, accuracy, labels, expected):
    assert LEARNT({"loss": loss, "accuracy": accuracy}, labels) is not expected


def test_a_class_that_never_occurs_adds_no_entropy():
    labels = np.array([0, 2, 0, 2])  # class 1 is missing: the entropy is ln 2
    assert not LEARNT({"loss": 0.99 * math.log(2), "accuracy": 0.5}, labels)
    assert LEARNT({"loss": 0.97 * math.log(2), "accuracy": 0.5}, labels)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, 2.0], None),
        ([1.0, math.nan, 2.0, math.inf], 1),
        ([math.inf, 0.0], 0),
        ([], None),
    ],
    ids=["finite", "the first counts", "infinite at once", "nothing trained"],
)
def test_first_nonfinite(losses, expected):
    assert first_nonfinite(np.array(losses, dtype=np.float32)) == expected
