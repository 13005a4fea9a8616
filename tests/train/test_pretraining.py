"""What layers learn before the training: autoencoders against PCA, and layers of another task."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.config.source import source_run
from ablate.config.validate import run_config
from ablate.data import check_pretraining, split, unlabelled
from ablate.errors import ConfigError
from ablate.launch.pace import training_cost
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.prepare import prepare
from ablate.train.pretrain import pretrain

CODED = {"name": "autoencoders", "steps": 20, "noise": 0.2}
DIGITS = {"name": "digits", "classes": [5, 6, 7, 8, 9], "train_size": 60, "validation_size": 60}
TRANSFER = {
    "data": DIGITS,
    "model": {"name": "mlp", "width": 24, "depth": 2},
    "optimizer": {"name": "adam", "lr": 0.003},
    "pretrain": {"name": "source", "classes": [0, 1, 2, 3, 4], "steps": 30},
    "trainer": {"steps": 20, "batch_size": 20, "save": "last"},
    "probe": {"steps": "off"},
}


def config_of(**changes: Any) -> RunConfig:
    return run_config({**SMALL, "pretrain": CODED, **changes})


def transfer(**changes: Any) -> RunConfig:
    return run_config({**TRANSFER, **changes})


@pytest.fixture
def run(tmp_path):
    def trained(config: RunConfig, replicates=(0,), members=None):
        source = source_run(config)
        other = None if source is None else data_sets.load(source.data, tmp_path)
        data = data_sets.load(config.data, tmp_path)
        return train(config, data, replicates, members=members, source=other)

    return trained


@pytest.mark.parametrize("width", [3, 8])
def test_a_linear_autoencoder_finds_what_pca_finds(run, tmp_path, width: int) -> None:
    """No linear code leaves less than the smallest principal components hold (Eckart & Young 1936).

    Adam at a constant rate ends within a hundredth of it; below it is rounding alone.
    """
    config = config_of(
        model={"name": "mlp", "width": width, "depth": 1, "activation": "linear"},
        pretrain={"name": "autoencoders", "steps": 1500, "lr": 0.01, "batch_size": 300},
        trainer={"epochs": 0},
    )
    (record,) = run(config)
    data = data_sets.load(config.data, tmp_path)
    x = data.train[0][split(data, config.data, Streams(0, 0)).train].double().numpy()
    variances = np.linalg.eigvalsh(np.corrcoef(x.T))  # features are normalized
    left = variances[:-width].sum() / variances.sum()
    assert record.metrics["pretrain/layer1_loss"] == pytest.approx(left, rel=0.01)
    assert record.metrics["pretrain/layer1_loss"] > left * (1 - 1e-5)


def test_every_layer_reports_and_the_output_layer_is_as_it_was(run) -> None:
    trainer = {"epochs": 0, "save": "last"}
    (with_codes,) = run(config_of(trainer=trainer))
    (without,) = run(config_of(trainer=trainer, pretrain={"name": "none"}))
    reported = {name for name in with_codes.metrics if name.startswith("pretrain/")}
    assert reported == {"pretrain/layer1_loss", "pretrain/layer2_loss"}
    assert list(with_codes.weights) == list(without.weights)  # no decoder among them
    same = {n for n, w in without.weights.items() if np.array_equal(w, with_codes.weights[n])}
    assert same == {n for n in without.weights if n.startswith("blocks.2")}


def test_members_of_an_ensemble_are_pretrained_each_by_itself(run) -> None:
    config = config_of(trainer={"epochs": 0})
    one, other = run(config, (0, 0), (0, 1))
    assert one.metrics["pretrain/layer1_loss"] != other.metrics["pretrain/layer1_loss"]
    assert_same(run(config)[0], one)


def test_unlabelled_examples_hold_the_labelled_ones_and_none_that_validates(tmp_path) -> None:
    config = config_of(
        data={**SMALL["data"], "train_size": 40}, pretrain={**CODED, "examples": 200}
    )
    data, streams = data_sets.load(config.data, tmp_path), Streams(0, 3)
    own = split(data, config.data, streams)
    seen = split(data, unlabelled(config, config.pretrain), streams)
    assert torch.equal(seen.train[:40], own.train)
    assert len(seen.train) == 200
    assert not {*seen.train.tolist()} & {*own.validation.tolist()}


def test_more_unlabelled_examples_leave_less_unexplained(run) -> None:
    data = {**SMALL["data"], "train_size": 20}
    few = run(config_of(data=data, trainer={"epochs": 0}, pretrain={**CODED, "steps": 200}))[0]
    more = {**CODED, "steps": 200, "examples": 300}
    many = run(config_of(data=data, trainer={"epochs": 0}, pretrain=more))[0]
    assert few.metrics["pretrain/layer1_loss"] != many.metrics["pretrain/layer1_loss"]


def test_the_other_task_starts_where_the_task_would_and_its_hidden_layers_are_kept(
    tmp_path,
) -> None:
    config = transfer()
    data = data_sets.load(config.data, tmp_path)
    source = data_sets.load(source_run(config).data, tmp_path)
    stack = prepare(config, data, [Streams(0, 0)], "cpu")
    initial = {name: t.clone() for name, t in stack.network.state_dict().items()}
    seen = []

    def fit(other) -> None:
        for name, tensor in other.network.state_dict().items():
            is_head = name.startswith("blocks.2")
            assert torch.equal(tensor, initial[name]) is not (is_head and "weight" in name)
            tensor.add_(0.5)  # as if it had been trained
        seen.append(other)

    (reported,) = pretrain(stack, data, source, "cpu", fit)
    assert {*reported} == {"pretrain/accuracy", "pretrain/loss"}
    for name, tensor in stack.network.state_dict().items():
        is_head = name.startswith("blocks.2")
        assert torch.equal(tensor, initial[name] if is_head else initial[name] + 0.5)
    assert seen[0].config.data.classes == (0, 1, 2, 3, 4)


def test_another_task_trains_the_same_bits_alone_and_in_any_stack(run) -> None:
    config = transfer(trainer={**TRANSFER["trainer"], "frozen": 1})
    alone = run(config, [2])[0]
    for stack in ([0, 2], [5, 2, 0, 1, 3]):
        assert_same(alone, run(config, stack)[stack.index(2)])


def test_running_averages_come_along(run) -> None:
    """Frozen norms end with those of the other task; they are no ones of the untrained network."""
    config = transfer(
        model={"name": "cnn", "channels": [4, 8]},
        trainer={**TRANSFER["trainer"], "frozen": "hidden"},
    )
    (record,) = run(config)
    (longer,) = run(
        config.model_copy(update={"trainer": config.trainer.model_copy(update={"steps": 40})})
    )
    for name, value in record.weights.items():
        if "running" in name:
            assert np.array_equal(value, longer.weights[name])
            assert not np.allclose(value, 0.0)
            assert not np.allclose(value, 1.0)


def test_streams_below_a_source_are_others_and_vary_with_it() -> None:
    own = Streams(0, 3)
    below = replace(own, below="pretrain")
    draw = {s: s.numpy("init", "layer1.weight").random() for s in (own, below)}
    assert draw[own] != draw[below]
    varied = Streams(0, 3, vary="pretrain")
    assert replace(varied, below="pretrain").numpy("init").random() == below.numpy("init").random()
    held = Streams(0, 3, vary="init")
    first = Streams(0, 0, below="pretrain")
    assert replace(held, below="pretrain").numpy("init").random() == first.numpy("init").random()


def test_costs_count_what_comes_before_the_training() -> None:
    """Of one layer 20 x 6: through it and a decoder of its size."""
    model = {"name": "mlp", "width": 6, "depth": 1}
    coded, plain = config_of(model=model), config_of(model=model, pretrain={"name": "none"})
    assert training_cost(coded) - training_cost(plain) == 20 * 37 * (2 * 20 * 6)
    source = source_run(transfer())
    without = transfer(pretrain={"name": "none"})
    assert training_cost(transfer()) == training_cost(without) + training_cost(source)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {"name": "cnn"}}, "pretrain=autoencoders is not allowed with model=cnn"),
        (
            {"model": {"_target_": "mylab.nets.Net"}},
            "pretrain=autoencoders is not allowed with model=mylab.nets.Net",
        ),
        (
            {"model": {"_target_": "mylab.nets.Net"}, "pretrain": {"name": "source"}},
            "it has to know a chain of layers",
        ),
        ({"pretrain": {"name": "source"}}, "cannot be split by classes"),
        ({"data": DIGITS, "pretrain": {"name": "source"}}, "would train on what validates"),
        (
            {"data": DIGITS, "pretrain": {"name": "source", "classes": [4, 5]}},
            "would train on what validates",
        ),
        (
            {"data": DIGITS, "pretrain": {"name": "source", "classes": [4, 4]}},
            "pretrain.classes=.* names a class twice",
        ),
        (
            {**TRANSFER, "pretrain": {"name": "source", "classes": [0, 1]},
             "trainer": {"epochs": 0}},
            "trainer.epochs is 0",
        ),
        ({"trainer": {"vary": "pretrain"}, "pretrain": {"name": "none"}}, "needs a pretrain"),
    ],
)  # fmt: skip
def test_what_cannot_be_pretrained_is_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        config_of(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"data": {**SMALL["data"], "train_size": 100}, "pretrain": {**CODED, "examples": 99}},
            "pretrain.examples is 99; allowed are 100",
        ),
        ({"pretrain": {**CODED, "examples": 301}}, "to 300, all that validation leaves"),
        (
            {**TRANSFER, "pretrain": {"name": "source", "classes": [0, 10]}},
            r"pretrain.classes=\[0, 10\] has 10; the classes of digits are 0 to 9",
        ),
        (
            {**TRANSFER, "pretrain": {"name": "source", "data": "mnist"}},
            "pretrain.data=mnist has examples of 1 x 28 x 28, but data=digits of 1 x 8 x 8",
        ),
        (
            {**TRANSFER, "pretrain": {"name": "source", "classes": [0, 1], "train_size": 288}},
            "pretrain.train_size is 288; digits has 288 such examples",
        ),
    ],
)
def test_examples_that_are_not_there_are_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_pretraining(config_of(**changes))


def test_the_digest_of_what_a_run_sees_has_another_set_in_it() -> None:
    mnist = {"name": "mnist", "train_size": 60, "validation_size": 60}
    plain = transfer(data=mnist, pretrain={"name": "none"})
    same = transfer(
        data={**mnist, "classes": [1, 2]}, pretrain={"name": "source", "classes": [3, 4]}
    )
    other = {
        name: transfer(data=mnist, pretrain={"name": "source", "data": name})
        for name in ("kmnist", "fashion_mnist")
    }
    digests = [data_sets.digest_of_all(one) for one in (plain, *other.values())]
    assert len(set(digests)) == 3
    assert digests[0] == data_sets.digest(plain.data)
    assert data_sets.digest_of_all(same) == digests[0]
