"""The next token: against torch, closed forms, and what is kept of it."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ablate.config.task import IGNORED
from ablate.errors import ConfigError
from ablate.tasks.next_token import NextToken

TASK = NextToken()


def drawn(replicates=2, examples=5, length=7, vocabulary=6):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(replicates, examples, length, vocabulary, generator=generator)
    targets = torch.randint(vocabulary, outputs.shape[:3], generator=generator)
    targets[0, 0, 3:] = IGNORED  # a short text
    return outputs, targets


def test_the_loss_is_the_mean_over_tokens_that_count() -> None:
    outputs, targets = drawn()
    for r, loss in enumerate(TASK.loss(outputs, targets)):
        expected = F.cross_entropy(outputs[r].flatten(0, 1), targets[r].flatten())
        torch.testing.assert_close(loss, expected)  # the same sums in another order
    each = [F.cross_entropy(outputs[r, i], targets[r, i]) for r in range(2) for i in range(5)]
    torch.testing.assert_close(TASK.total(outputs, targets), torch.stack(each).sum())


def test_scores_are_those_of_the_loss_in_other_units() -> None:
    outputs, targets = drawn(1)
    scores = NextToken(bytes_per_token=2.0).scores(outputs[0].numpy(), targets[0].numpy())
    loss = float(TASK.loss(outputs.double(), targets)[0])
    assert scores["loss"] == pytest.approx(loss, rel=1e-12)
    assert scores["bits_per_byte"] == pytest.approx(loss / math.log(2) / 2, rel=1e-12)
    assert scores["perplexity"] == pytest.approx(math.exp(loss), rel=1e-12)
    counted = targets[0] != IGNORED
    right = outputs[0].argmax(dim=-1)[counted] == targets[0][counted]
    assert scores["accuracy"] == pytest.approx(float(right.float().mean()))
    outputs[0, 1, 1, 1] = math.inf
    assert TASK.scores(outputs[0].numpy(), targets[0].numpy()) == {}


def test_guessing_alike_has_the_logarithm_of_the_vocabulary() -> None:
    scores = TASK.scores(np.zeros((3, 4, 8)), np.zeros((3, 4), dtype=np.int64))
    assert scores["bits_per_byte"] == pytest.approx(3)
    assert scores["perplexity"] == pytest.approx(8)


def test_what_is_stored_has_the_same_scores_but_no_accuracy() -> None:
    outputs, targets = drawn(1)
    stored = TASK.stored(outputs[0].numpy(), targets[0].numpy())
    assert stored.shape == targets[0].shape
    again = TASK.scores(stored, targets[0].numpy())
    expected = TASK.scores(outputs[0].numpy(), targets[0].numpy())
    assert again == pytest.approx({k: v for k, v in expected.items() if k != "accuracy"}, rel=1e-6)
    members = TASK.stored(outputs[0].numpy()[None], targets[0].numpy())
    np.testing.assert_array_equal(members[0], stored)


def test_members_together_are_the_mean_of_their_probabilities() -> None:
    generator = torch.Generator().manual_seed(1)
    outputs = torch.randn(3, 4, 5, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(6, (4, 5), generator=generator).numpy()
    stored = TASK.stored(outputs.numpy(), targets)
    mean = outputs.softmax(dim=-1).mean(dim=0).log()
    expected = TASK.scores(mean.numpy(), targets)
    found = TASK.ensemble_scores(stored, targets, "average")
    # float32 is what members are stored in
    assert found["test/bits_per_byte"] == pytest.approx(expected["bits_per_byte"], rel=1e-6)
    alone = [TASK.scores(own, targets)["bits_per_byte"] for own in outputs.numpy()]
    assert found["members/bits_per_byte"] == pytest.approx(np.mean(alone), rel=1e-6)
    assert found["members/bits_per_byte"] > found["test/bits_per_byte"]  # Jensen
    together = TASK.combine(stored, "average")
    np.testing.assert_array_equal(TASK.stored(together, targets), together.astype(np.float32))
    views = TASK.averaged([own[None].float() for own in outputs])
    torch.testing.assert_close(views[0], mean.float())
    with pytest.raises(ConfigError, match="vote is of classifiers"):
        TASK.combine(stored, "vote")


def test_learnt_is_better_than_the_frequencies_of_tokens() -> None:
    targets = np.array([[0, 0, 0, 1], [0, 0, 2, IGNORED]])
    p = np.array([5, 1, 1]) / 7
    entropy = -float((p * np.log(p)).sum())
    assert not TASK.learnt({"loss": 0.99 * entropy}, targets)
    assert TASK.learnt({"loss": 0.97 * entropy}, targets)
