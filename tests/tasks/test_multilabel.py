"""Several labels at once: scores against scikit-learn, votes, and the n/c rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, log_loss

from ablate.tasks.multilabel import Multilabel

TASK = Multilabel()


def sample(seed: int, labels: int = 4, members: int = 3):
    rng = np.random.default_rng(seed)
    y = (rng.random((80, labels)) < 0.3).astype(np.float32)
    y[0] = 1  # each occurs
    logits = 2 * y - 1 + 1.5 * rng.standard_normal((members, 80, labels))
    return np.round(logits, 1).astype(np.float32), y  # rounded: some are equal


@given(st.integers(0, 10_000))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    (logits, *_), y = sample(seed)
    found = TASK.scores(logits, y)
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    losses = [log_loss(y[:, k], p[:, k], labels=[0, 1]) for k in range(4)]
    # float64 on both sides: only the order of the sums differs.
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-9)
    assert found["f1"] == pytest.approx(f1_score(y, logits > 0, average="macro", zero_division=0))
    assert found["average_precision"] == pytest.approx(
        average_precision_score(y, logits, average="macro"), rel=1e-9
    )


def test_a_label_that_does_not_occur_is_no_part_of_f1_and_precision() -> None:
    (logits, *_), y = sample(1)
    y[:, 2] = 0
    kept = [0, 1, 3]
    found, alone = TASK.scores(logits, y), TASK.scores(logits[:, kept], y[:, kept])
    assert (found["f1"], found["average_precision"]) == (alone["f1"], alone["average_precision"])


def test_loss_and_gradient_are_torchs_even_where_certain() -> None:
    z = torch.linspace(-40, 40, 801).view(1, -1, 3).requires_grad_()
    y = torch.arange(801).remainder(2).float().view(1, -1, 3)
    (own,) = torch.autograd.grad(TASK.loss(z, y).sum(), z)
    wide = z.detach().double().requires_grad_()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(wide, y.double())
    (torchs,) = torch.autograd.grad(loss, wide)
    # Sums of 801 float32 terms, each right to a few parts in 10^7 of the largest, 40.
    assert TASK.loss(z, y).item() == pytest.approx(loss.item(), rel=1e-6)
    # Each is at most 1/801, from numbers right to 2^-24.
    torch.testing.assert_close(own.double(), torchs, rtol=0, atol=1e-6 / 801)


def test_the_loss_is_that_of_its_scores() -> None:
    logits, y = sample(2, members=2)
    given, targets = torch.from_numpy(logits), torch.from_numpy(y).expand(2, -1, -1)
    by_replicate = [TASK.scores(own, y)["loss"] for own in logits]
    # float32 sums of 320 numbers against float64 ones.
    torch.testing.assert_close(
        TASK.loss(given, targets).double(), torch.tensor(by_replicate).double(), rtol=1e-5, atol=0
    )
    assert float(TASK.total(given, targets)) == pytest.approx(80 * sum(by_replicate), rel=1e-5)


def test_guessing_the_shares_has_learnt_nothing_and_either_way_out_has() -> None:
    _, y = sample(3)
    p = y.mean(axis=0)
    guess = np.broadcast_to(np.log(p / (1 - p)), y.shape)
    scores = TASK.scores(guess, y)
    assert scores["average_precision"] == pytest.approx(p.mean())
    assert not TASK.learnt(scores, y)
    assert TASK.learnt({**scores, "loss": 0.97 * scores["loss"]}, y)
    assert TASK.learnt({**scores, "average_precision": p.mean() + 0.1 * (1 - p.mean())}, y)


@pytest.mark.parametrize("how", ["average", "vote"])
def test_members_combine_by_probability_or_by_vote(how: str) -> None:
    logits, y = sample(4)
    p = 1 / (1 + np.exp(-TASK.combine(logits, how)))
    each = 1 / (1 + np.exp(-logits)) if how == "average" else logits > 0
    np.testing.assert_allclose(p, each.mean(axis=0), atol=1e-6)
    found = TASK.ensemble_scores(logits, y, how)
    assert ("test/loss" in found) is (how == "average")
    said = logits > 0
    pairs = [(said[i] != said[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found["members/disagreement"] == pytest.approx(np.mean(pairs))
