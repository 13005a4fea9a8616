"""When training is over: a pure function of the monitored values."""

import math

import pytest

from ablate.config.stopping import NoStopping, Patience
from ablate.train.stopping import best_evaluation, is_over

LOSS = Patience(name="patience", patience=2)
ACCURACY = Patience(name="patience", patience=2, monitor="validation/accuracy")


@pytest.mark.parametrize(
    ("history", "loss_is_over", "accuracy_is_over"),
    [
        ([1.0], False, False),
        ([1.0, 0.9], False, False),
        ([1.0, 0.9, 0.8], False, True),
        ([1.0, 1.1, 1.2], True, False),
        ([1.0, 0.9, 0.95, 0.9], True, True),
        ([1.0, 0.9, 0.95, 0.89], False, True),
        ([1.0, math.nan, math.nan], True, True),
        ([math.nan, math.nan], True, True),
        ([math.nan, 1.0], False, False),
        ([], False, False),
    ],
)
def test_patience(history, loss_is_over, accuracy_is_over):
    assert is_over(LOSS, history) is loss_is_over
    assert is_over(ACCURACY, history) is accuracy_is_over
    assert not is_over(NoStopping(), history)


def test_the_first_of_equals_is_the_best():
    assert best_evaluation([3.0, 1.0, 1.0], "validation/loss") == 1
    assert best_evaluation([3.0, 3.0, 1.0], "validation/accuracy") == 0
    assert best_evaluation([math.nan, 2.0], "validation/accuracy") == 1
    assert best_evaluation([math.nan], "validation/loss") is None
    assert best_evaluation([], "validation/loss") is None
