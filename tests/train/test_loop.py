"""Whole trainings on small data."""

import numpy as np
import pytest
import torch
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.nn import models
from ablate.streams import Streams
from ablate.train import loop, prepare
from ablate.train.inference import scores_of


def config(**changes):
    """Return the small config with keys like `model__norm` changed."""
    values = {group: dict(fields) for group, fields in SMALL.items()}
    values["trainer"]["epochs"], values["probe"]["steps"] = 2, "log"
    for key, value in changes.items():
        group, _, name = key.partition("__")
        if name:
            values.setdefault(group, {})[name] = value
        else:
            values[group] = value
    return run_config(values)


# Every activation, norm, dropout, optimizer and decay, each pair of them at least once.
COVERING = [
    ("relu", "none", 0.0, "momentum", 0.0, False),
    ("relu", "batch", 0.3, "adam", 0.01, True),
    ("tanh", "none", 0.3, "adam", 0.0, False),
    ("tanh", "batch", 0.0, "momentum", 0.01, True),
    ("sigmoid", "none", 0.0, "adam", 0.01, False),
    ("sigmoid", "batch", 0.3, "momentum", 0.0, False),
    ("maxout", "none", 0.3, "momentum", 0.01, True),
    ("maxout", "batch", 0.0, "adam", 0.0, False),
    ("prelu", "none", 0.0, "momentum", 0.01, False),
    ("prelu", "batch", 0.3, "adam", 0.01, False),
]


@pytest.mark.parametrize(
    ("activation", "norm", "dropout", "optimizer", "decay", "decoupled"),
    [pytest.param(*row, id="-".join(map(str, row))) for row in COVERING],
)
def test_a_replicate_has_the_same_bits_alone_and_in_any_stack(
    run, activation, norm, dropout, optimizer, decay, decoupled
):
    cell = config(
        model__activation=activation, model__norm=norm, model__dropout=dropout,
        optimizer={"name": optimizer, "lr": 0.01, "weight_decay": decay, "decoupled": decoupled},
        trainer__save="last",
    )  # fmt: skip
    alone = [run(cell, [r])[0] for r in (0, 1, 2)]
    for stack in ([0, 1, 2], list(range(8)), [5, 2, 0, 1]):
        for replicate, record in zip(stack, run(cell, stack), strict=True):
            if replicate < 3:
                assert_same(record, alone[replicate])
    assert alone[0].losses.tobytes() != alone[1].losses.tobytes()


def test_the_same_command_twice_gives_the_same_bits(run):
    cell = config(model__dropout=0.3, model__norm="batch", trainer__save="best")
    assert_same(run(cell)[0], run(cell)[0])


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_probe_does_not_disturb_training(run, norm):
    changes = {"model__dropout": 0.3, "model__norm": norm, "trainer__save": "last"}
    on = run(config(**changes), [0, 1])
    off = run(config(**changes, probe__steps="off"), [0, 1])
    for with_probe, without in zip(on, off, strict=True):
        assert with_probe.losses.tobytes() == without.losses.tobytes()
        assert with_probe.metrics == without.metrics
        for name, weight in with_probe.weights.items():
            assert weight.tobytes() == without.weights[name].tobytes()
        assert without.probe == {}


def spoil(monkeypatch, replicate, value):
    """Make one replicate's first weights `value`, whatever its place in the stack."""
    initialize = models.initialize

    def spoilt(network, init, streams, batch):
        initialize(network, init, streams, batch)
        for r, stream in enumerate(streams):
            if stream.replicate == replicate:
                with torch.no_grad():
                    network.chain[0].linear.weight[r] = value

    monkeypatch.setattr(models, "initialize", spoilt)


def test_a_replicate_that_diverges_leaves_the_others_alone(run, monkeypatch):
    cell = config(trainer__save="last", trainer__eval_every=3)
    before = run(cell, [0, 2])
    spoil(monkeypatch, replicate=1, value=float("inf"))
    first, dead, second = run(cell, [0, 1, 2])
    assert_same(first, before[0])
    assert_same(second, before[1])
    assert (dead.status, dead.nc_reason, dead.diverged_at_step) == ("diverged", "nonfinite", 0)
    assert dead.metrics == {}
    assert dead.predictions is None
    assert dead.weights is None
    assert len(dead.losses) == 0
    assert [row["step"] for row in dead.evaluations] == [0]
    assert set(dead.evaluations[0]) == {"step", "epoch", "lr"}
    assert len(dead.evaluated_at) == 1
    assert dead.probe["steps"].tolist() == dead.probe["histogram_steps"].tolist() == [0]
    # Alone, training stops early; the record is the same.
    assert_same(run(cell, [1])[0], dead)


def test_divergence_during_training(run):
    # Weights grow without bound; small enough at first to take some steps.
    cell = config(
        optimizer={"name": "sgd", "lr": 1e4}, model__activation="linear", trainer__eval_every=1,
        trainer__epochs=12,
    )  # fmt: skip
    alone = run(cell, [3])[0]
    stacked = run(cell, [4, 3, 0])[1]
    assert_same(alone, stacked)
    died = alone.diverged_at_step
    assert alone.nc_reason == "nonfinite"
    assert 0 < died < 108
    assert len(alone.losses) == died
    assert np.isfinite(alone.losses).all()
    assert [row["step"] for row in alone.evaluations] == list(range(died + 1))
    assert alone.probe["steps"].max() <= died
    for row in alone.evaluations:
        assert all(np.isfinite(value) for value in row.values())


def test_a_stack_that_has_diverged_stops(run, monkeypatch):
    steps = []
    step_of = loop.take_step
    monkeypatch.setattr(loop, "take_step", lambda *args: steps.append(1) or step_of(*args))
    spoil(monkeypatch, replicate=0, value=float("nan"))
    run(config(trainer__epochs=50))
    assert len(steps) < 100  # of 450


def test_no_progress(run):
    record = run(config(init={"name": "zeros"}))[0]
    assert (record.status, record.nc_reason) == ("diverged", "no_progress")
    assert record.diverged_at_step is None
    assert record.metrics["train/accuracy"] < 0.2
    assert record.predictions is not None


def test_evaluations_at_step_0_and_each_epoch(run):
    record = run(config())[0]
    assert [row["step"] for row in record.evaluations] == [0, 9, 18]
    assert [row["epoch"] for row in record.evaluations] == [0.0, 1.0, 2.0]
    assert "train/loss" not in record.evaluations[0]
    expected = record.losses[9:].mean(dtype=np.float64)
    assert record.evaluations[2]["train/loss"] == expected
    assert record.evaluations[2]["validation/loss"] == record.metrics["validation/loss"]
    assert len(record.losses) == 18
    assert list(record.evaluated_at) == sorted(record.evaluated_at)


def test_evaluations_every_few_steps_and_at_the_end(run):
    record = run(config(trainer__eval_every=7))[0]
    assert [row["step"] for row in record.evaluations] == [0, 7, 14, 18]
    assert record.evaluations[-1]["train/loss"] == record.losses[14:].mean(dtype=np.float64)


def test_the_number_of_evaluations_changes_no_training(run):
    often = run(config(trainer__eval_every=1, model__norm="batch", model__dropout=0.2))[0]
    seldom = run(config(model__norm="batch", model__dropout=0.2))[0]
    assert often.losses.tobytes() == seldom.losses.tobytes()
    assert often.metrics == seldom.metrics


def test_the_learning_rate_follows_the_schedule(run):
    record = run(config(schedule={"name": "cosine"}, trainer__eval_every=1))[0]
    rates = [row["lr"] for row in record.evaluations]
    assert rates[0] == rates[1] == 0.05  # at step 0 the rate of the step to come
    assert rates[18] == pytest.approx(0.05 * (1 + np.cos(np.pi * 17 / 18)) / 2, rel=1e-12)


def test_every_metric_is_there(run):
    metrics = run(config())[0].metrics
    scores = {
        f"{part}/{name}"
        for part in ("train", "validation", "test")
        for name in ("loss", "accuracy", "nll", "brier", "ece")
    }
    assert set(metrics) == scores | {"weights/norm", "weights/zero", "weights/small"}
    assert metrics["test/accuracy"] > 0.8


def test_nothing_trained(run):
    record = run(config(trainer__epochs=0, trainer__save="best"))[0]
    assert (record.status, record.nc_reason) == ("done", None)
    assert record.evaluations == ()
    assert len(record.losses) == 0
    assert record.metrics["test/loss"] > 1
    assert record.probe["steps"].tolist() == record.probe["histogram_steps"].tolist() == [0]
    assert record.weights is not None


def test_predictions_are_the_logits_behind_the_metrics(run, tmp_path):
    cell = config()
    record = run(cell)[0]
    labels = data_sets.load(cell.data, tmp_path, cell.seed).test[1].numpy()
    assert record.predictions.dtype == np.float16
    assert (record.predictions.argmax(axis=1) == labels).mean() == record.metrics["test/accuracy"]


def test_predictions_beyond_float16_are_clipped(run, monkeypatch):
    spoil(monkeypatch, replicate=0, value=1e6)
    record = run(config(trainer__epochs=0))[0]
    assert np.abs(record.predictions).max() == 65504


def test_the_best_weights_are_those_of_the_lowest_validation_loss(run):
    # A large step at the end spoils what was learnt.
    changes = {"optimizer": {"name": "sgd", "lr": 0.3}, "trainer__eval_every": 1}
    record = run(config(**changes, trainer__save="best"))[0]
    losses = [row["validation/loss"] for row in record.evaluations]
    best = int(np.argmin(losses))
    assert best < 18
    last = run(config(**changes, trainer__save="last"))[0].weights
    assert any(last[name].tobytes() != weight.tobytes() for name, weight in record.weights.items())


def test_saved_weights_give_the_metrics(run, tmp_path):
    cell = config(trainer__save="last", model__norm="batch")
    record = run(cell, [5, 1])[1]
    data = data_sets.load(cell.data, tmp_path, cell.seed)
    stack = prepare.prepare(cell, data, [Streams(0, 1)], "cpu")
    state = {name: torch.from_numpy(w).unsqueeze(0) for name, w in record.weights.items()}
    stack.network.load_state_dict(state)
    scores = scores_of(stack, stack.test, stack.test_indices)[0]
    assert scores["loss"] == record.metrics["test/loss"]


def test_bf16_trains_and_differs(run):
    half = run(config(trainer__precision="bf16"))[0]
    assert half.metrics["test/accuracy"] > 0.8
    assert half.losses.tobytes() != run(config())[0].losses.tobytes()


def test_lsuv_starts_each_replicate_from_its_own_batch(run):
    cell = config(init={"name": "lsuv"}, model__activation="tanh", trainer__epochs=1)
    assert_same(run(cell, [0, 1])[1], run(cell, [1])[0])


@pytest.mark.parametrize("model", ["cnn", "lenet"])
def test_convnets_train(run, model):
    cell = config(
        data__shape=[3, 20, 20],
        data__separation=3.0,
        model={"name": model},
        trainer__epochs=8,
        probe__examples=20,
    )
    record = run(cell)[0]
    assert record.status == "done"
    assert record.metrics["train/accuracy"] > 0.5  # chance is 0.1
    assert np.isfinite(record.probe["statistics"][..., [0, 1, 8]]).all()


def test_each_replicate_has_its_own_split_order_and_weights(run, tmp_path):
    cell = config()
    data = data_sets.load(cell.data, tmp_path, cell.seed)
    stack = prepare.prepare(cell, data, [Streams(0, 0), Streams(0, 1)], "cpu")
    first, second = stack.order(0)
    assert sorted(first.tolist()) == sorted(stack.training_indices[0].tolist())
    assert first.tolist() != second.tolist()
    assert first.tolist() != stack.order(1)[0].tolist()
    weight = stack.network.chain[0].linear.weight
    assert not torch.equal(weight[0], weight[1])
    # Normalized by its own training split: mean 0 and standard deviation 1 per feature.
    parts = stack.training_indices[:, :300].split(100, dim=1)
    inputs = torch.cat([stack.training.batch(part)[0].clone() for part in parts], dim=1)
    assert inputs.mean(dim=1).abs().max() < 1e-5
    assert (inputs.std(dim=1, correction=0) - 1).abs().max() < 1e-5
