"""Training on labels that are wrong: what is trained on them, and what is not."""

from pathlib import Path

import pytest
import torch
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.data import training_labels
from ablate.streams import Streams
from ablate.train.prepare import prepare


def config(share: float = 0.3, **groups: dict) -> RunConfig:
    return run_config({**SMALL, "data": {**SMALL["data"], "label_noise": share}, **groups})


def prepared(tmp_path: Path, one: RunConfig, members: tuple[int, ...] = (0, 0)):
    data = data_sets.load(one.data, tmp_path, one.seed)
    streams = [Streams(one.seed, r, member) for r, member in enumerate(members)]
    return data, prepare(one, data, streams, "cpu")


def test_a_step_has_each_replicates_own_labels_and_validation_true_ones(tmp_path: Path) -> None:
    data, stack = prepared(tmp_path, config())
    true, indices = data.train[1], stack.order(0)[:, :37]
    own = [training_labels(data, config().data, Streams(0, r)) for r in range(2)]
    given = stack.batch(indices, 0, 0).targets
    for r in range(2):
        assert torch.equal(given[r], own[r][indices[r]])
        assert 0 < int((given[r] != true[indices[r]]).sum()) < 37
    held = stack.validation_indices
    assert torch.equal(stack.validation.batch(held)[1], true[held])
    assert torch.equal(stack.test.batch(stack.test_indices)[1][0], data.test[1])


def test_every_arm_and_member_meets_the_same_labels(tmp_path: Path) -> None:
    _, plain = prepared(tmp_path, config())
    other = config(trainer={**SMALL["trainer"], "bootstrap": True}, penalty={"name": "l1"})
    _, changed = prepared(tmp_path, other, (0, 1))
    assert torch.equal(plain.training.y, changed.training.y)


def test_scores_of_the_training_set_are_of_the_labels_trained_on(run) -> None:
    """A network that fits everything is right on what it was told, and wrong elsewhere."""
    long = {"trainer": {"epochs": 60, "batch_size": 37}, "penalty": {"name": "none"}}
    (told,), (true,) = (run(config(share, **long)) for share in (0.3, 0.0))
    assert told.metrics["train/accuracy"] == true.metrics["train/accuracy"] == 1
    assert told.metrics["test/accuracy"] < true.metrics["test/accuracy"] - 0.05


def test_a_replicate_has_the_same_bits_alone_and_in_a_stack(run) -> None:
    alone, stacked = (run(config(), replicates) for replicates in ([2], [0, 1, 2]))
    assert_same(alone[0], stacked[2])


def test_noise_that_replaces_nothing_changes_nothing(run) -> None:
    """So that what is drawn for it comes from a stream of its own."""
    assert_same(run(config(1e-9))[0], run(config(0))[0])


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_procedure_of_the_users_own_is_given_them(tmp_path: Path, share: float) -> None:
    from ablate.train.procedure import _split_of

    one = config(share)
    data, stack = prepared(tmp_path, one, (0,))
    given = _split_of(one, data, Streams(0, 0))
    assert torch.equal(given.train[1], stack.training.targets(stack.training_indices)[0])
    assert torch.equal(given.validation[1], data.train[1][stack.validation_indices[0]])
