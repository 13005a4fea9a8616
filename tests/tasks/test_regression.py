"""Numbers: errors against scikit-learn, the n/c rule, and the ambiguity of an ensemble."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from ablate.errors import ConfigError
from ablate.tasks.regression import Regression

SQUARED, ABSOLUTE = Regression(), Regression("absolute")


def sample(seed: int, targets: int = 3, members: int = 4):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((60, targets)) * np.arange(1, targets + 1)
    outputs = y + rng.standard_normal((members, 60, targets))
    return outputs.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("targets", [1, 3])
def test_scores_are_those_of_scikit_learn(targets: int) -> None:
    (outputs, *_), y = sample(0, targets)
    found = SQUARED.scores(outputs, y)
    outputs, y = outputs.astype(np.float64), y.astype(np.float64)
    # Both sum in float64: only the order of the sums differs.
    assert found["r2"] == pytest.approx(r2_score(y, outputs), rel=1e-12)
    assert found["loss"] == pytest.approx(mean_squared_error(y, outputs), rel=1e-12)
    assert found["rmse"] == pytest.approx(found["loss"] ** 0.5, rel=1e-15)
    assert found["mae"] == pytest.approx(mean_absolute_error(y, outputs), rel=1e-12)
    assert ABSOLUTE.scores(outputs, y) == {**found, "loss": found["mae"]}


@pytest.mark.parametrize("task", [SQUARED, ABSOLUTE])
def test_the_loss_is_the_mean_over_a_replicates_own_examples_and_the_total_their_sum(task) -> None:
    outputs, y = sample(1, members=2)
    given, targets = torch.from_numpy(outputs), torch.from_numpy(y).expand(2, -1, -1)
    by_replicate = [task.scores(own, y)["loss"] for own in outputs]
    # float32 sums of 180 numbers against float64 ones.
    torch.testing.assert_close(
        task.loss(given, targets).double(), torch.tensor(by_replicate).double(), rtol=1e-5, atol=0
    )
    assert float(task.total(given, targets)) == pytest.approx(60 * sum(by_replicate), rel=1e-5)


def test_targets_are_measured_in_the_spread_of_what_is_trained_on() -> None:
    rng = np.random.default_rng(2)
    y = torch.from_numpy(50 + 7 * rng.standard_normal((200, 2))).float()
    y[:, 1] = 3.0  # nothing to predict
    trained = y[:150]
    found = SQUARED.scaled(y, trained)[:150].double()
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(2).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        found.std(dim=0, correction=0), torch.tensor([1.0, 0.0]).double(), atol=1e-6, rtol=0
    )
    guess = np.zeros((150, 2), dtype=np.float32)
    assert SQUARED.scores(guess, found.float().numpy())["loss"] == pytest.approx(0.5, abs=1e-6)


def test_a_target_that_does_not_vary_is_no_part_of_r2() -> None:
    (outputs, *_), y = sample(3, targets=2)
    y[:, 1] = 1.0
    assert SQUARED.scores(outputs, y)["r2"] == pytest.approx(r2_score(y[:, 0], outputs[:, 0]))
    y[:] = 1.0
    assert SQUARED.scores(outputs, y)["r2"] == 0.0


@pytest.mark.parametrize("task", [SQUARED, ABSOLUTE])
@pytest.mark.parametrize(("share", "learnt"), [(0.979, True), (0.981, False), (1.5, False)])
def test_what_is_no_better_than_the_best_constant_has_learnt_nothing(task, share, learnt) -> None:
    y = np.random.default_rng(4).exponential(size=(400, 1)).astype(np.float32)
    constant = y.mean() if task is SQUARED else np.median(y)
    guess = task.scores(np.full_like(y, constant), y)["loss"]
    assert task.learnt({"loss": share * guess}, y) is learnt


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_an_ensembles_error_is_its_members_less_their_ambiguity(seed: int, members: int) -> None:
    """Krogh & Vedelsby 1995, exactly: only the order of float64 sums differs."""
    outputs, y = sample(seed, members=members)
    found = SQUARED.ensemble_scores(outputs, y, "average")
    assert found["test/loss"] == pytest.approx(
        found["members/mse"] - found["members/ambiguity"], rel=1e-9
    )


def test_a_vote_is_of_classifiers() -> None:
    with pytest.raises(ConfigError, match="vote is of classifiers"):
        SQUARED.combine(sample(0)[0], "vote")


def test_outputs_that_are_not_finite_have_no_scores() -> None:
    (outputs, *_), y = sample(5)
    outputs[3, 1] = np.inf
    assert SQUARED.scores(outputs, y) == {}


def test_predictions_are_kept_in_single_precision() -> None:
    outputs, _ = sample(6)
    np.testing.assert_array_equal(SQUARED.stored(outputs.astype(np.float64), outputs), outputs)
