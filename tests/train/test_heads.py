"""Heads beside the task: what they add to it, and what they leave alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from same_records import assert_same

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.data.dataset import Data
from ablate.nn.network import parameter_count
from ablate.streams import Streams
from ablate.tasks.build import natural_task
from ablate.train.inference import final_outputs
from ablate.train.loop import train
from ablate.train.optimizers import build_optimizer, update
from ablate.train.prepare import Stack, prepare
from ablate.train.step import take_step
from ablate.train.trial import trial

PAIRS = {"name": "digits_pairs", "train_size": 300, "test_size": 100}
OWN = {"_target_": "mylab.data.shapes"}
RECONSTRUCTION = {"name": "reconstruction", "weight": 0.5}
OTHERS = {"name": "others", "weight": 0.5}
#: Of the linear network: so many come within 4 % of what 8 components leave.
_STEPS = 700


def config_of(heads, data=PAIRS, **changes):
    return run_config(
        {
            "data": data,
            "model": {"name": "mlp", "width": [20, 32], "depth": None},
            "heads": heads,
            "optimizer": {"name": "momentum", "lr": 0.05},
            "trainer": {"epochs": 2, "batch_size": 32, "save": "last"},
            "probe": {"steps": "ends", "examples": 16},
        }
        | changes
    )


def trained(config, replicates=(0,), data: Data | None = None, folder: Path | None = None):
    return train(config, data or data_sets.load(config.data, folder or Path(), 0), replicates)


def stack_of(config, replicates=(0,)) -> Stack:
    loaded = data_sets.load(config.data, Path(), 0)
    return prepare(config, loaded, [Streams(0, r) for r in replicates], "cpu")


@pytest.fixture(autouse=True)
def _kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ARMS = {
    "reconstruction": (RECONSTRUCTION, PAIRS),
    "few labels": (RECONSTRUCTION, {**PAIRS, "labelled": 70}),
    "second digit": (OTHERS, PAIRS),
    "own targets": (OTHERS, OWN),
    "one layer shared": ({**OTHERS, "shared": 1}, OWN),
    "reconstruction from the first layer": ({**RECONSTRUCTION, "shared": 1}, PAIRS),
}


@pytest.mark.parametrize("arm", ARMS)
def test_a_record_does_not_depend_on_the_stack_with_heads(arm: str) -> None:
    heads, data = ARMS[arm]
    config = config_of(heads, data, model={"name": "mlp", "norm": "batch", "dropout": 0.1,
                                           "width": [20, 32], "depth": None})  # fmt: skip
    (alone,) = trained(config, [2])
    for stack in ([0, 2], [5, 2, 0, 1, 3]):
        assert_same(alone, trained(config, stack)[stack.index(2)])


@pytest.mark.parametrize("arm", ARMS)
def test_gradients_are_the_weighted_sum_of_those_of_each_loss(arm: str) -> None:
    """Against losses written out by hand; single precision over sums of hundreds of terms."""
    heads, data = ARMS[arm]
    stack = stack_of(config_of(heads, data), (0, 1))
    network, indices = stack.network, stack.order(0)[:, :32]
    batch = stack.batch(indices, 0, 0)
    hidden = [p for name, p in network.named_parameters() if name.startswith("blocks")]
    outputs, beside = network.all_outputs(batch.inputs)
    losses = [torch.nn.functional.cross_entropy(outputs.flatten(0, 1), batch.targets.flatten())]
    weights = [1.0]
    if heads["name"] == "reconstruction":
        inputs = batch.inputs if batch.shown.unlabelled is None else batch.shown.unlabelled
        decoded = network.all_outputs(inputs)[1]["reconstruction"]
        losses.append(((decoded - inputs.reshape(*inputs.shape[:2], -1)) ** 2).mean())
        weights.append(0.5)
    for name, other in stack.heads.others.items():
        own, targets = beside[other.head], other.training.targets(indices)
        loss = natural_task(other.task.name).loss(own, targets).mean()
        losses.append(loss)
        weights.append(0.5)
        assert name in other.head
    parts = [torch.autograd.grad(loss, hidden, allow_unused=True, retain_graph=True)
             for loss in losses]  # fmt: skip
    # Means over both replicates halve each one's gradient.
    wanted = [
        2 * sum(w * g for w, g in zip(weights, each, strict=True) if g is not None)
        for each in zip(*parts, strict=True)
    ]
    before = [p.detach().clone() for p in hidden]
    sgd = run_config(stack.config.model_dump() | {"optimizer": {"name": "sgd", "lr": 1.0}})
    optimizer = build_optimizer(sgd.optimizer, network.named_parameters())
    take_step(replace(stack, config=sgd), optimizer, batch, 1.0)
    for p, old, gradient in zip(hidden, before, wanted, strict=True):
        torch.testing.assert_close(old - p, gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("heads", [RECONSTRUCTION, OTHERS], ids=lambda h: h["name"])
@pytest.mark.parametrize("off", [{"weight": 0.0}, {"shared": 0}], ids=str)
def test_what_a_head_cannot_touch_is_trained_as_without_it(heads: dict, off: dict) -> None:
    """Initial weights, order, dropout masks: the control is paired, to the last bit."""
    model = {"name": "mlp", "width": 20, "depth": 2, "dropout": 0.2}
    (without,) = trained(config_of({"name": "none"}, model=model))
    (beside,) = trained(config_of(heads | off, model=model))
    assert without.weights is not None
    assert beside.weights is not None
    for name, weight in without.weights.items():
        assert weight.tobytes() == beside.weights[name].tobytes()
    assert without.losses.tobytes() == beside.losses.tobytes()
    assert without.metrics == {name: beside.metrics[name] for name in without.metrics}
    assert without.parameters == beside.parameters
    assert without.multiply_adds == beside.multiply_adds


@pytest.mark.parametrize("shared", [None, 0, 1, 2])
def test_heads_have_the_layers_that_they_do_not_share(shared: int | None) -> None:
    stack = stack_of(config_of({**OTHERS, "shared": shared}, OWN))
    widths = [2, 20, 32]
    layers = [a * b + b for a, b in itertools.pairwise(widths)]
    own = layers[2 if shared is None else shared :]
    of_heads = sum(sum(own) + 32 * k + k for k in (1, 2, 3))
    predicting = sum(layers) + 32 * 3 + 3
    assert parameter_count(stack.network) == predicting
    assert sum(p[0].numel() for p in stack.network.parameters()) == predicting + of_heads


def test_each_head_draws_weights_of_its_own() -> None:
    network = stack_of(config_of({**OTHERS, "shared": 0}, OWN)).network
    first = {head.name: head.chain[0].linear.weight for head in network.heads}
    assert list(first) == ["others.radius", "others.place", "others.ring"]
    drawn = [network.chain[0].linear.weight, *first.values()]
    assert len({weight.detach().numpy().tobytes() for weight in drawn}) == 4


def test_lsuv_scales_the_heads_as_well() -> None:
    """Outputs of its batch have variance 1 within the tolerance of 0.1."""
    stack = stack_of(config_of({**OTHERS, "shared": 1}, init={"name": "lsuv"}), (0, 1))
    batch = stack.training.batch(stack.order(0)[:, :128])[0]
    outputs, beside = stack.network.all_outputs(batch)
    for own in (outputs, *beside.values()):
        for replicate in own.detach():
            assert float(replicate.var(correction=0)) == pytest.approx(1, abs=0.1)


def test_a_linear_reconstruction_approaches_the_residual_of_pca() -> None:
    """No map through 8 units does better than the first 8 components (Eckart & Young 1936)."""
    config = config_of(
        {"name": "reconstruction"},
        {"name": "digits", "train_size": 400},
        model={"name": "mlp", "depth": 1, "width": 8, "activation": "linear"},
        optimizer={"name": "adam", "lr": 0.01},
        trainer={"steps": _STEPS, "batch_size": 400},
    )
    stack = stack_of(config)
    x = stack.training.batch(stack.training_indices)[0][0].flatten(1).double()
    optimizer = build_optimizer(config.optimizer, stack.network.named_parameters())
    for step in range(_STEPS):
        batch = stack.batch(stack.training_indices, 0, step)
        outputs = stack.network.outputs_beside(batch.inputs)
        # The head alone: what the task wants of the eight units is left out.
        loss = stack.heads.loss(outputs, batch.inputs, batch.shown, None)
        loss.sum().backward()
        update(optimizer, 0.01 if step < 0.7 * _STEPS else 0.001, config.penalty, None)
    values = torch.linalg.eigvalsh((x - x.mean(0)).T @ (x - x.mean(0)) / len(x))
    residual = float(values[:-8].sum()) / x.shape[1]
    assert residual - 1e-6 < loss.item() < 1.05 * residual


def test_labels_of_the_others_are_not_looked_at() -> None:
    """With the labels of all other training examples changed: the same bits."""
    config = config_of(RECONSTRUCTION, {**PAIRS, "labelled": 70})
    loaded = data_sets.load(config.data, Path(), 0)
    part = data_sets.split(loaded, config.data, Streams(0, 0))
    x, y = loaded.train
    changed = y.clone()
    changed[part.train[70:]] = (changed[part.train[70:]] + 3) % 10
    assert not torch.equal(changed, y)
    other = replace(loaded, train=(x, changed))
    assert_same(*trained(config, data=loaded), *trained(config, data=other))


def test_without_heads_few_labels_are_few_examples() -> None:
    """But for the statistics of the inputs, which need no labels."""
    plain = {**PAIRS, "normalize": False}
    (labelled,) = trained(config_of({"name": "none"}, {**plain, "labelled": 70}))
    (few,) = trained(config_of({"name": "none"}, {**plain, "train_size": 70}))
    assert_same(labelled, few)
    (normalized,) = trained(config_of({"name": "none"}, {**PAIRS, "labelled": 70}))
    assert normalized.losses.tobytes() != few.losses.tobytes()
    stack = stack_of(config_of({"name": "none"}, {**PAIRS, "labelled": 70}))
    whole = stack_of(config_of({"name": "none"}))
    assert torch.equal(stack.test.scaling.scale, whole.test.scaling.scale)
    assert stack.steps == 2 * 3  # of 32, 32 and 6


def test_every_training_example_is_reconstructed_once_an_epoch() -> None:
    config = config_of(RECONSTRUCTION, {**PAIRS, "labelled": 70})
    stack = stack_of(config, (0, 1))
    whole = stack_of(config_of({"name": "none"}), (0, 1))
    wanted = torch.cat([part.clone() for part in whole.population()], dim=1)
    seen = [stack.heads.unlabelled(step).clone() for step in range(10)]
    assert [part.shape[1] for part in seen] == 9 * [32] + [12]
    for r in range(2):
        rows = {row.numpy().tobytes() for part in seen for row in part[r]}
        assert rows == {row.numpy().tobytes() for row in wanted[r]}
    again = torch.cat([stack.heads.unlabelled(step).clone() for step in range(10, 20)], dim=1)
    assert not torch.equal(again, torch.cat(seen, dim=1))


@pytest.mark.parametrize("data", [PAIRS, OWN], ids=["pairs", "own"])
def test_scores_of_other_targets_are_those_of_their_outputs(data: dict) -> None:
    config = config_of(OTHERS, data)
    (record,) = trained(config)
    stack = stack_of(config)
    state = stack.network.state_dict()
    for name, value in record.weights.items():
        state[name][0] = torch.from_numpy(value)
    outputs = final_outputs(stack)
    stack.network.eval()
    with torch.no_grad():
        inputs = stack.test.batch(stack.test_indices)[0]
        main, beside = stack.network.all_outputs(inputs)
    np.testing.assert_allclose(outputs, main.numpy(), rtol=1e-5, atol=1e-5)
    loaded = data_sets.load(config.data, Path(), 0)
    trained_on = data_sets.split(loaded, config.data, Streams(0, 0)).train
    for name, other in loaded.others.items():
        own, y = beside[f"others.{name}"][0].numpy(), other.test
        if other.task == "regression":
            mean, std = (
                other.train[trained_on].mean(0),
                other.train[trained_on].std(0, correction=0),
            )
            error = own - ((y - mean) / std).numpy()
            assert record.metrics[f"test/{name}/rmse"] == pytest.approx(
                float((error**2).mean() ** 0.5), rel=1e-4
            )
        elif other.task == "classification":
            right = (own.argmax(1) == y.numpy()).mean()
            assert record.metrics[f"test/{name}/accuracy"] == pytest.approx(right)
        else:
            assert 0 < record.metrics[f"test/{name}/f1"] <= 1


def test_the_reconstruction_is_scored_and_learnt() -> None:
    """An error of 1 is that of guessing the mean; the 144 numbers of a pair have much in common."""
    longer = {"trainer": {"epochs": 20, "batch_size": 32}}
    (record,) = trained(config_of({"name": "reconstruction"}, **longer))
    assert 0.1 < record.metrics["test/reconstruction/error"] < 0.8
    assert record.metrics["test/accuracy"] > 0.5


@pytest.mark.parametrize("heads", [RECONSTRUCTION, OTHERS], ids=lambda h: h["name"])
@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"name": "cnn", "channels": [4, 4], "statistics": "population"}},
        {"model": {"name": "resnet20"}, "trainer": {"steps": 1, "batch_size": 50}},
        {"optimizer": {"name": "lbfgs"}, "trainer": {"epochs": 1, "batch_size": 100}},
        {"augment": {"mixup": 0.2, "noise": 0.1}},
        {"trainer": {"epochs": 1, "batch_size": 32, "precision": "bf16"}},
        {"penalty": {"name": "activation_l1"}},
        {"penalty": {"name": "max_norm"}, "stopping": {"name": "patience", "patience": 1}},
        {"ensemble": {"name": "snapshot", "size": 2, "snapshots": 2}},
        {"ensemble": {"name": "bagging", "size": 2}},
        {"ensemble": {"name": "mc_dropout", "size": 2, "passes": 2},
         "model": {"name": "mlp", "dropout": 0.2}},
        {"model": {"name": "mlp", "norm": "batch", "statistics": "population"}},
    ],
    ids=lambda changes: "-".join(changes),
)  # fmt: skip
def test_heads_go_with_the_other_options(heads: dict, changes: dict) -> None:
    for labelled in (None, 60):
        config = config_of(heads, {**PAIRS, "train_size": 120, "labelled": labelled}, **changes)
        (record,) = trained(config)
        assert record.diverged_at_step is None
        named = "test/reconstruction/error" if heads is RECONSTRUCTION else "test/second/accuracy"
        assert np.isfinite(record.metrics[named])


def test_population_statistics_reach_the_heads_own_layers() -> None:
    model = {"name": "mlp", "width": 20, "norm": "batch", "statistics": "population"}
    stack = stack_of(config_of({**OTHERS, "shared": 1}, model=model))
    stack.network.settle_statistics(stack.population)
    (head,) = stack.network.heads
    assert head.chain[0].norm is not None
    assert not torch.equal(head.chain[0].norm.running_mean, torch.zeros(1, 20))


@pytest.mark.parametrize("heads", [RECONSTRUCTION, OTHERS], ids=lambda h: h["name"])
def test_a_trial_of_a_network_with_heads(heads: dict) -> None:
    config = config_of(heads, {**PAIRS, "labelled": 100})
    found = trial(config, data_sets.load(config.data, Path(), 0))
    assert found.gradients.whole is not None
    assert found.gradients.whole < 1e-4
    assert found.fits > 0.9
