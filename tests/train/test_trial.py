"""Trying a cell: sound ones pass, and each fault is named."""

import pytest
import torch
from small import SMALL

from ablate import data as data_sets
from ablate.commands.trials import problems
from ablate.config.validate import run_config
from ablate.nn.layers import Activate
from ablate.train.trial import GRADIENT_TOLERANCE, trial

BASE = {
    "data": SMALL["data"],
    "model": {"name": "mlp", "width": 40, "depth": 2},
    "optimizer": {"name": "adam", "lr": 0.01},
    "trainer": {"epochs": 3, "batch_size": 32},
}


def tried(**changes):
    config = run_config({**BASE, **changes})
    return trial(config, data_sets.load(config.data, None, 0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {**BASE["model"], "norm": "batch", "dropout": 0.5, "activation": "tanh"}},
        {"model": {**BASE["model"], "activation": "maxout"}, "penalty": {"name": "l1"}},
        {"data": {**BASE["data"], "shape": [1, 8, 8]}, "model": {"name": "cnn", "channels": [8]}},
        {"optimizer": {"name": "lbfgs"}},
        {"ensemble": {"name": "seeds", "size": 3}},
        {"data": {"_target_": "mylab.data.rings"}, "model": {"_target_": "mylab.nets.Net"}},
    ],
    ids=lambda changes: "-".join(changes) or "plain",
)
def test_a_sound_cell_passes(changes):
    found = tried(**changes)
    assert problems(found) == []
    assert found.seconds_per_step > 0
    assert 0.5 < found.loss < 2
    assert found.fits >= 0.98
    if "data" not in changes or "_target_" not in changes["data"]:
        assert found.gradient_error < GRADIENT_TOLERANCE


class _WrongHalf(torch.autograd.Function):
    @staticmethod
    def forward(_, z):
        return z.relu()

    @staticmethod
    def backward(_, gradient):
        return 0.5 * gradient


def test_a_wrong_gradient_is_told(monkeypatch):
    monkeypatch.setattr(Activate, "forward", lambda self, z: _WrongHalf.apply(z))
    found = tried()
    assert found.gradient_error > 100 * GRADIENT_TOLERANCE
    assert any("gradient is off" in text for text in problems(found))


def test_what_cannot_learn_or_starts_wrong_is_told():
    small = tried(init={"name": "normal", "std": 1e-4}, optimizer={"name": "sgd", "lr": 1e-4})
    assert any("of 50 examples by heart" in text for text in problems(small))
    large = tried(init={"name": "normal", "std": 5.0})
    assert any("times that of guessing" in text for text in problems(large))
    # Negative weights: every input of the second layer is at least 0, so none of its units fires.
    dead = tried(init={"name": "constant", "value": -1.0})
    assert dead.dead == 1.0
    assert any("100% of a layer's units are dead" in text for text in problems(dead))
