"""Layers that are not trained stay as they are, whatever else a config has."""

from typing import Any

import numpy as np
import pytest
from option_rows import OPTIONS
from small import SMALL

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.nn.architectures import frozen_layers
from ablate.streams import Streams
from ablate.train.prepare import prepare
from ablate.train.pretrain import pretrain

FROZEN = {"epochs": 1, "batch_size": 37, "save": "last", "frozen": 1}


@pytest.fixture
def weights(run):
    """Return the weights before and after a training with some layers frozen."""

    def of(**changes: Any):
        values = {**SMALL, "model": {**SMALL["model"], "activation": "prelu"}, **changes}
        trainer = {**FROZEN, **changes.get("trainer", {})}
        (after,) = run(run_config({**values, "trainer": trainer}))
        (before,) = run(run_config({**values, "trainer": {**trainer, "epochs": 0}}))
        return before.weights, after.weights

    return of


def assert_first_block_alone_is_fixed(before: dict, after: dict) -> None:
    for name, value in before.items():
        assert np.array_equal(value, after[name]) is name.startswith("blocks.0."), name


@pytest.mark.parametrize("norm", ["none", "batch", "batch_after", "layer"])
def test_frozen_layers_keep_all_their_bits(weights, norm: str) -> None:
    model = {**SMALL["model"], "activation": "prelu", "norm": norm, "dropout": 0.2}
    assert_first_block_alone_is_fixed(*weights(model=model))


@pytest.mark.parametrize("optimizer", sorted(OPTIONS["optimizer"]))
def test_no_optimizer_moves_them(weights, optimizer: str) -> None:
    decay = {} if optimizer == "lbfgs" else {"weight_decay": 0.1, "clip_norm": 1.0}
    options = {**OPTIONS["optimizer"][optimizer], **decay}
    assert_first_block_alone_is_fixed(*weights(optimizer=options))


@pytest.mark.parametrize(
    "penalty",
    [
        {"name": "l1", "strength": 0.01},
        {"name": "l1", "strength": 0.01, "proximal": True},
        {"name": "max_norm", "limit": 0.1},
        {"name": "activation_l1"},
    ],
    ids=str,
)
def test_no_penalty_moves_them(weights, penalty: dict) -> None:
    assert_first_block_alone_is_fixed(*weights(penalty=penalty))


def test_hidden_leaves_a_linear_map_to_train(weights) -> None:
    before, after = weights(trainer={"frozen": "hidden"})
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {"blocks.2.linear.weight", "blocks.2.linear.bias"}


def test_population_statistics_leave_them_too(weights) -> None:
    model = {**SMALL["model"], "activation": "prelu", "norm": "batch", "statistics": "population"}
    assert_first_block_alone_is_fixed(*weights(model=model))


def test_the_probe_tells_of_them_what_it_tells_of_all(run) -> None:
    """At the first step nothing has moved: frozen or not, the probe reads the same numbers."""
    frozen, free = (
        run(run_config({**SMALL, "trainer": {**FROZEN, "frozen": layers}}))[0] for layers in (2, 0)
    )
    assert frozen.probe["statistics"][0].tobytes() == free.probe["statistics"][0].tobytes()


def test_random_features_are_normalized_by_the_training_split(tmp_path) -> None:
    """Mean 0 and variance 1 of what the norm gives, to the rounding of single precision."""
    model = {**SMALL["model"], "norm": "batch"}
    config = run_config({**SMALL, "model": model, "trainer": {**FROZEN, "frozen": 1}})
    data = data_sets.load(config.data, tmp_path)
    stack = prepare(config, data, [Streams(0, 0)], "cpu")
    pretrain(stack, data, None, "cpu", lambda _: None)
    block = stack.network.chain[0]
    x, _ = stack.training.batch(stack.training_indices[:, :128])
    rest = stack.training.batch(stack.training_indices[:, 128:256])[0].clone()
    x, _ = stack.training.batch(stack.training_indices[:, :128])
    z = np.concatenate(
        [block.norm(block.linear(part)).detach().numpy() for part in (x.clone(), rest)], axis=1
    )
    # 256 of the 300 examples: of each of 100 units the mean lies within 0.2 of 0.
    assert np.abs(z.mean(axis=1)).max() < 0.2
    assert z.var() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("name", "there"), [("mlp", 2), ("cnn", 3), ("lenet", 4), ("fitnet1", 10), ("resnet20", 19)]
)
def test_how_many_there_are_is_known_before_anything_starts(name: str, there: int) -> None:
    model = run_config({**SMALL, "model": {"name": name}}).model
    assert frozen_layers(model, "hidden") == there
    assert frozen_layers(model, there) == there
    with pytest.raises(ConfigError, match=f"trainer.frozen is {there + 1}; model={name} has"):
        frozen_layers(model, there + 1)


def test_a_model_of_the_users_own_freezes_itself() -> None:
    values = {**SMALL, "model": {"_target_": "mylab.nets.Net"}, "trainer": FROZEN}
    with pytest.raises(ConfigError, match="freezes its own weights"):
        run_config(values)


@pytest.mark.parametrize("frozen", [-1, 0.5, "all"])
def test_other_values_are_refused(frozen: Any) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.frozen="):
        run_config({**SMALL, "trainer": {"frozen": frozen}})
