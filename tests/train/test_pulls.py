"""Penalties by squares: closed forms on quadratic losses, what they pull, and their stacks."""

from typing import Any

import numpy as np
import pytest
import torch
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config.optimizer import Adam, Lbfgs, MomentumSgd, Sgd
from ablate.config.penalty import NoPenalty
from ablate.config.source import source_run
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.optimizers import build_optimizer, update
from ablate.train.prepare import prepare
from ablate.train.pulls import Pulls, build_pulls

STRENGTH = 0.5
HESSIAN = torch.tensor([10.0, 1.0, 0.1, 0.01], dtype=torch.float64)
TARGET = torch.tensor([2.0, -0.3, 1.5, -1.0], dtype=torch.float64)
START = torch.tensor([-1.0, 0.7, 0.0, 3.0], dtype=torch.float64)

OPTIMIZERS = {
    "sgd": (Sgd(name="sgd", lr=0.1), 4000),
    "momentum": (MomentumSgd(name="momentum", lr=0.02), 4000),
    "adam": (Adam(name="adam", lr=0.01), 8000),
    "lbfgs": (Lbfgs(name="lbfgs"), 20),
}


def row(values: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(values.clone().view(1, 2, 2))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("towards", ["start", "zero"])
def test_a_quadratic_loss_ends_between_its_minimum_and_what_pulls(name: str, towards: str) -> None:
    """1/2 sum H (w - w*)^2 + a/2 sum (w - s)^2 is least at (H w* + a s)/(H + a).

    L-BFGS stops where the loss no longer changes by 1e-9, some 1e-6 away; descent has shrunk what
    was wrong by (1 - 0.1 * 0.51)^4000, which is nothing.
    """
    config, steps = OPTIMIZERS[name]
    weight = row(START)
    to = None if towards == "zero" else weight.detach().clone()
    pulls = Pulls(STRENGTH, ((weight, to),))
    optimizer = build_optimizer(config, [("w", weight)])

    def closure() -> torch.Tensor:
        loss = (HESSIAN * (weight.view(-1) - TARGET) ** 2).sum() / 2 + pulls.value().sum()
        weight.grad = None
        loss.backward()
        return loss.detach()

    for _ in range(steps):
        if name == "lbfgs":
            update(optimizer, 1.0, NoPenalty(), None, closure, pulls)
            continue
        weight.grad = (HESSIAN * (weight.detach().view(-1) - TARGET)).view_as(weight)
        update(optimizer, config.lr, NoPenalty(), None, pulls=pulls)
    pulled_to = START if towards == "start" else 0
    expected = (HESSIAN * TARGET + STRENGTH * pulled_to) / (HESSIAN + STRENGTH)
    torch.testing.assert_close(weight.detach().view(-1), expected, rtol=0, atol=1e-5)


def test_tied_weights_meet_halfway_as_the_strength_grows() -> None:
    """Of 1/2 (u - a)^2 + 1/2 (v - b)^2 + s/2 (u - v)^2 the difference is (a - b)/(1 + 2 s)."""
    one, other = row(START), row(TARGET)
    pulls = Pulls(4.0, pairs=((one, other),))
    optimizer = build_optimizer(Sgd(name="sgd", lr=0.05), [("u", one), ("v", other)])
    for _ in range(2000):
        one.grad = one.detach() - START.view_as(one)
        other.grad = other.detach() - TARGET.view_as(other)
        update(optimizer, 0.05, NoPenalty(), None, pulls=pulls)
    apart = (one - other).detach().view(-1)
    torch.testing.assert_close(apart, (START - TARGET) / 9, rtol=0, atol=1e-12)
    middle = (one + other).detach().view(-1) / 2
    torch.testing.assert_close(middle, (START + TARGET) / 2, rtol=0, atol=1e-12)


def config_of(**changes: Any):
    return run_config({**SMALL, **changes})


def pulled(tmp_path, **changes: Any):
    config = config_of(**changes)
    data = data_sets.load(config.data, tmp_path)
    stack = prepare(config, data, [Streams(0, 0)], "cpu")
    names = {id(p): name for name, p in stack.network.named_parameters()}
    pulls = build_pulls(config, stack.network)
    assert pulls is not None
    return {names[id(p)]: to for p, to in pulls.towards}, pulls


def test_biases_are_pulled_where_asked_and_the_new_head_to_zero(tmp_path) -> None:
    found, _ = pulled(tmp_path, penalty={"name": "to_start"})
    assert len(found) == 3
    assert all(to is not None for to in found.values())  # without pretraining all have a start
    found, _ = pulled(
        tmp_path, penalty={"name": "to_start", "biases": True}, pretrain={"name": "autoencoders"}
    )
    to_zero = {name for name, to in found.items() if to is None}
    assert len(found) == 6
    assert to_zero == {"blocks.2.linear.weight", "blocks.2.linear.bias"}
    model = {"name": "mlp", "width": 10, "norm": "batch", "activation": "prelu"}
    found, _ = pulled(tmp_path, penalty={"name": "l2", "biases": True}, model=model)
    assert {name.split(".", 2)[2] for name in found} == {"linear.weight", "linear.bias"}
    assert not any(to is not None for to in found.values())


def test_layers_of_one_shape_are_tied(tmp_path) -> None:
    model = {"name": "mlp", "width": [20, 10, 10, 10, 8, 8, 8], "depth": None}
    _, pulls = pulled(tmp_path, penalty={"name": "tied"}, model=model)
    # 20-20, 20-10, 10-10, 10-10, 10-8, 8-8, 8-8: two pairs of neighbours are alike.
    assert [tuple(one.shape) for one, _ in pulls.pairs] == [(1, 10, 10), (1, 8, 8)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"name": "lenet"}}, "penalty=tied is not allowed with model=lenet"),
        ({"model": {"name": "mlp", "depth": 2}}, "penalty=tied needs two layers of one shape"),
        (
            {"model": {"name": "mlp", "depth": None, "width": [9, 8, 9, 8]}},
            "penalty=tied needs two layers of one shape",
        ),
    ],
    ids=["convnet", "two layers", "no neighbours"],
)
def test_what_cannot_be_tied_is_refused(changes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(penalty={"name": "tied"}, **changes)


def test_l2_by_a_penalty_is_weight_decay_but_for_rounding(tmp_path) -> None:
    data = data_sets.load(config_of().data, tmp_path)
    decayed = config_of(optimizer={"name": "momentum", "lr": 0.05, "weight_decay": 0.01})
    (one,) = train(decayed, data, [0])
    (other,) = train(config_of(penalty={"name": "l2", "strength": 0.01}), data, [0])
    # float32 sums in another order, over 27 steps
    assert one.metrics["weights/norm"] == pytest.approx(other.metrics["weights/norm"], rel=1e-5)
    (plain,) = train(config_of(), data, [0])
    assert plain.metrics["weights/norm"] > 1.005 * one.metrics["weights/norm"]


@pytest.mark.parametrize("name", ["l2", "to_start", "tied"])
def test_a_stack_has_the_bits_of_each_alone(name: str, tmp_path) -> None:
    config = config_of(
        penalty={"name": name, "strength": 0.1},
        model={"name": "mlp", "depth": 3, "width": 37},
        optimizer={"name": "adam", "lr": 0.003},
    )
    data = data_sets.load(config.data, tmp_path)
    stacked = train(config, data, [0, 1, 2])
    (alone,) = train(config, data, [1])
    assert_same(alone, stacked[1])


def test_a_strong_pull_to_the_start_keeps_what_was_learnt_and_the_source_goes_without(
    tmp_path,
) -> None:
    def weights(penalty: dict[str, Any], steps: int) -> dict[str, np.ndarray]:
        config = run_config(
            {
                "data": {"name": "digits", "classes": [5, 6, 7, 8, 9], "train_size": 60},
                "model": {"name": "mlp", "width": 24, "depth": 2},
                "optimizer": {"name": "sgd", "lr": 0.1},
                "pretrain": {"name": "source", "classes": [0, 1, 2, 3, 4], "steps": 30},
                "trainer": {"steps": steps, "batch_size": 20, "save": "last"},
                "probe": {"steps": "off"},
                "penalty": penalty,
            }
        )
        source = source_run(config)
        assert source is not None
        assert source.penalty == NoPenalty()
        data, other = (data_sets.load(one.data, tmp_path) for one in (config, source))
        (record,) = train(config, data, [0], source=other)
        return record.weights

    def moved(penalty: dict[str, Any]) -> float:
        first, last = weights(penalty, 1), weights(penalty, 200)
        name = "blocks.1.linear.weight"
        return float(np.linalg.norm(first[name] - last[name]))

    free = moved({"name": "none"})
    assert moved({"name": "to_start", "strength": 1.0}) < 0.5 * free
    assert moved({"name": "l2", "strength": 1.0}) > free  # all the way to zero
