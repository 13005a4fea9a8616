"""Trying a cell: sound ones pass, and each fault is named with what cures it."""

import pytest
import torch
from small import SMALL

import ablate
from ablate import data as data_sets
from ablate.commands.illness import problems
from ablate.config.validate import run_config
from ablate.nn.layers import Activate
from ablate.train.gradient_check import GRADIENT_TOLERANCE
from ablate.train.trial import trial
from mylab.data import rings

BASE = {
    "data": SMALL["data"],
    "model": {"name": "mlp", "width": 40, "depth": 2},
    "optimizer": {"name": "adam", "lr": 0.01},
    "trainer": {"epochs": 3, "batch_size": 32},
}
TANH = {**BASE["model"], "activation": "tanh"}


def looked_at(**changes):
    config = run_config({**BASE, **changes})
    found = trial(config, data_sets.load(config.data, None, 0))
    return found, problems(found, config)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {**TANH, "norm": "batch", "dropout": 0.5}},
        {"model": {**BASE["model"], "activation": "maxout"}, "penalty": {"name": "l1"}},
        {"data": {**BASE["data"], "shape": [1, 8, 8]}, "model": {"name": "cnn", "channels": [8]}},
        {"optimizer": {"name": "lbfgs"}},
        {"ensemble": {"name": "seeds", "size": 3}},
        {"data": {"_target_": "mylab.data.rings"}, "model": {"_target_": "mylab.nets.Net"}},
    ],
    ids=lambda changes: "-".join(changes) or "plain",
)
def test_a_sound_cell_passes(changes):
    found, told = looked_at(**changes)
    assert told == []
    assert found.seconds_per_step > 0
    assert 0.5 < found.loss < 2
    assert found.fits >= 0.98
    assert found.gradients.whole < GRADIENT_TOLERANCE


def test_the_gradient_of_each_kind_of_layer_is_told():
    model = {**TANH, "norm": "batch", "dropout": 0.5}
    errors = dict(looked_at(model=model)[0].gradients.layers)
    images = {**BASE["data"], "shape": [1, 8, 8]}
    cnn = {"name": "cnn", "channels": [4, 4], "norm": "group"}
    errors |= looked_at(data=images, model=cnn)[0].gradients.layers
    assert set(errors) == {
        "linear", "convolution", "tanh", "relu", "batch norm through its statistics",
        "layer or group norm", "dropout with its mask", "max-pooling",
    }  # fmt: skip
    # Central differences at h = 1e-5 err by 1e-10 in curvature and 1e-11 in rounding.
    assert max(errors.values()) < 1e-6


class _WrongHalf(torch.autograd.Function):
    @staticmethod
    def forward(_, z):
        return z.relu()

    @staticmethod
    def backward(_, gradient):
        return 0.5 * gradient


def test_a_wrong_gradient_is_told(monkeypatch):
    monkeypatch.setattr(Activate, "forward", lambda self, z: _WrongHalf.apply(z))
    found, told = looked_at()
    assert found.gradients.whole > 100 * GRADIENT_TOLERANCE
    # All that stands in front of the wrong layer is wrong, and what stands behind it is right.
    assert set(found.gradients.wrong) == {
        f"layer{n}.{part}" for n in (1, 2) for part in ("weight", "bias")
    }
    assert any("gradient is off" in text and "layer1.weight by" in text for text in told)
    assert any("wrong by themselves, from output to input: relu by" in text for text in told)
    assert found.fits == 1.0  # fifty examples are no substitute


class Halved(torch.nn.Module):
    def forward(self, z):
        return _WrongHalf.apply(z)


class _WithHalved(torch.nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.first, self.halved = torch.nn.Linear(inputs[0], 30), Halved()
        self.last = torch.nn.Linear(30, classes)

    def forward(self, x):
        return self.last(self.halved(self.first(x)))


def test_a_wrong_gradient_of_an_own_module_is_told_by_name():
    found, told = looked_at(model={"_target_": f"{__name__}._WithHalved"})
    assert set(found.gradients.wrong) == {"first.weight", "first.bias"}
    assert set(found.gradients.wrong_layers) == {"Halved"}
    assert any("Halved by" in text for text in told)
    assert found.fits == 1.0


def raw():
    parts = rings().train, None, rings().test
    return ablate.Data(*(part and (100 + 50 * part[0], part[1]) for part in parts))


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"init": {"name": "normal", "std": 1e-4}, "optimizer": {"name": "sgd", "lr": 1e-4}},
         ["of 50 examples by heart"]),
        ({"init": {"name": "normal", "std": 5.0}}, ["times that of guessing; draw smaller"]),
        # Negative weights: the second layer's inputs are at least 0, so none of its units fires.
        ({"init": {"name": "constant", "value": -1.0}},
         ["100% of a layer's units are dead", "leaky_relu"]),
        ({"model": TANH, "init": {"name": "xavier", "scale": 20.0}},
         ["of the units of layer2 are saturated before the first update",
          "init=xavier", "model.norm=batch"]),
        ({"optimizer": {"name": "sgd", "lr": 2.0}}, ["loss bounces", "at 0.2 it ends at"]),
        ({"optimizer": {"name": "momentum", "lr": 0.5}}, ["loss bounces", "at 0.05 it ends at"]),
        ({"optimizer": {"name": "sgd", "lr": 100.0}}, ["training diverges at step 1"]),
        ({"optimizer": {"name": "sgd", "lr": 1e-5}},
         ["the learning rate of 1e-05 is too small", "raise it"]),
        ({"data": {"_target_": f"{__name__}.raw", "normalize": False}},
         ["inputs are not normalized", "data.normalize=true"]),
    ],
    ids=["small", "large", "dead", "saturated", "bounces", "momentum", "diverges", "slow", "raw"],
)  # fmt: skip
def test_an_illness_is_told_with_its_cure(changes, sentences):
    _, told = looked_at(**changes)
    for sentence in sentences:
        assert any(sentence in text for text in told), told


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_a_usual_rate_is_neither_too_high_nor_too_low(name):
    for lr in {"sgd": (0.01, 0.1), "momentum": (0.003, 0.03), "adam": (0.001, 0.01)}[name]:
        found, told = looked_at(optimizer={"name": name, "lr": lr})
        assert told == []
        (first,) = found.short_runs
        assert first.rose < 0.1 < first.fell
