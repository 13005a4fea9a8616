"""Shares of dropout by layer and in time: what is dropped when, bits of the scalar form, refusals."""

from typing import Any

import pytest
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.nn.dropout import Dropout, share_at
from ablate.train.loop import train


def config_of(**model: Any) -> RunConfig:
    return run_config({**SMALL, "model": {**SMALL["model"], **model}})


def trained(config: RunConfig, tmp_path, replicates=(0,)):
    return train(config, data_sets.load(config.data, tmp_path), list(replicates))


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", [1, 1, 1, 1, 1]),
        ("early", [1, 1, 0, 0, 0]),
        ("annealed", [1, 0.5, 0, 0, 0]),
        ("curriculum", [0, 0.5, 1, 1, 1]),
    ],
)
def test_shares_in_time(schedule: str, shares: list[float]) -> None:
    """At 0, a quarter, ... of the training, up to its half."""
    assert [share_at(schedule, 0.5, k / 4) for k in range(5)] == pytest.approx(shares)


@pytest.mark.parametrize("schedule", ["early", "annealed", "curriculum"])
def test_what_each_step_drops(schedule: str, tmp_path, monkeypatch) -> None:
    seen: list[float] = []
    forward = Dropout.forward

    def noted(self, x):
        if self.training and self.name == "layer2":
            seen.append(self.p)
        return forward(self, x)

    monkeypatch.setattr(Dropout, "forward", noted)
    config = config_of(dropout=0.4, dropout_schedule=schedule)
    trained(config, tmp_path)
    assert len(seen) == 27  # 3 epochs of 9 batches
    # half of 27 steps is 13.5
    if schedule == "early":
        assert seen == [0.4] * 14 + [0.0] * 13
    else:
        fractions = [min(k / 13.5, 1) for k in range(27)]
        grown = [0.4 * f if schedule == "curriculum" else 0.4 * (1 - f) for f in fractions]
        assert seen == pytest.approx(grown)


def test_a_list_of_one_share_has_the_bits_of_the_share(tmp_path) -> None:
    one, *_ = trained(config_of(dropout=0.3), tmp_path)
    listed, *_ = trained(config_of(dropout=[0.3, 0.3]), tmp_path)
    assert_same(one, listed)
    other, *_ = trained(config_of(dropout=[0.3, 0.0]), tmp_path)
    assert other.losses.tolist() != one.losses.tolist()


def test_early_dropout_ends_as_training_without_it_goes_on(tmp_path) -> None:
    """The steps before the end of dropout have the bits of constant dropout, the others not."""
    constant, *_ = trained(config_of(dropout=0.3), tmp_path)
    early, *_ = trained(config_of(dropout=0.3, dropout_schedule="early"), tmp_path)
    assert early.losses[:14].tolist() == constant.losses[:14].tolist()
    assert early.losses[14] != constant.losses[14]


@pytest.mark.parametrize("schedule", ["early", "annealed", "curriculum"])
def test_a_stack_has_the_bits_of_each_alone(schedule: str, tmp_path) -> None:
    config = config_of(dropout=[0.2, 0.5], dropout_schedule=schedule, dropout_until=0.7)
    stacked = trained(config, tmp_path, range(3))
    (alone,) = trained(config, tmp_path, [1])
    assert_same(alone, stacked[1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"name": "mlp", "dropout": [0.5]}}, "model.dropout lists 1 shares"),
        ({"model": {"name": "cnn", "dropout": [0.5] * 3}}, "is for model=mlp"),
        (
            {"model": {"name": "mlp", "dropout_schedule": "early", "dropout_kind": "standard"}},
            "allowed are inverted, gaussian or drop_connect",
        ),
        (
            {
                "model": {"name": "mlp", "dropout": 0.5, "dropout_schedule": "annealed"},
                "ensemble": {"name": "mc_dropout"},
            },
            "at the end nothing is dropped",
        ),
        (
            {"model": {"name": "mlp", "dropout": [0.0, 0.0]}, "ensemble": {"name": "mc_dropout"}},
            "needs dropout",
        ),
        ({"model": {"name": "mlp", "dropout": [0.2, 1.5]}}, "must be less than 1"),
    ],
)
def test_what_is_refused(changes: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run_config({**SMALL, **changes})
