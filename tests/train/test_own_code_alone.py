"""What code of the user's own does reaches nothing else: its draws, its tensors, frozen weights."""

import os
import random

import numpy as np
import pytest
import torch

from ablate import data as data_sets
from ablate import user
from ablate.config.target import Target
from ablate.config.validate import run_config
from ablate.data.user_data import load_user_data, made
from ablate.errors import ConfigError
from ablate.launch.execute import execute
from ablate.launch.job import Job, Task
from ablate.launch.user_check import check_user_code
from ablate.train.loop import train
from ablate.train.process import prepare_process


def own(name, **arguments):
    return {"_target_": f"mylab.mischief.{name}", **arguments}


BASE = {
    "data": {"_target_": "mylab.data.rings"},
    "model": {"_target_": "mylab.nets.Net"},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "trainer": {"epochs": 1, "batch_size": 48},
    "probe": {"steps": "off"},
}
IMAGES = {"data": {"_target_": "mylab.data.rings", "images": True}}


@pytest.fixture
def run(run):
    return lambda **changes: run(run_config({**BASE, **changes}))[0]


def metric(name):
    return {"metric": {"name": "mine", "function": f"mylab.mischief.{name}"}}


DRAWS = {
    "model": {"model": own("Draws")},
    "augmentation": {"augment": own("drawing_augment")},
    "loss": {"loss": own("drawing_loss")},
    "optimizer": {"optimizer": own("DrawingDescent", lr=0.05)},
    "metric": metric("drawing_metric"),
    "procedure": {"trainer": own("drawing_fit")},
    "data": {"data": own("drawing_data")},
    "loss beside a model of this package": {
        "loss": own("drawing_loss"), "model": {"name": "mlp", "width": 8}},
}  # fmt: skip


@pytest.mark.parametrize("part", DRAWS)
def test_whatever_draws_draws_the_same_again(part, run):
    records = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        load_user_data.cache_clear()
        records.append(run(**DRAWS[part]))
    first, second = records
    assert first.metrics == second.metrics
    assert np.array_equal(first.losses, second.losses)


@pytest.mark.parametrize("part", ["augmentation", "loss", "optimizer"])
def test_what_draws_beside_a_model_leaves_its_masks_alone(part, run, monkeypatch):
    """With numbers that change nothing, dropout draws what it draws without them."""
    model = {"model": {"_target_": "mylab.nets.Net", "dropout": 0.5}}
    plain = {"optimizer": {"optimizer": own("Descent", lr=0.05)}}.get(part, {})
    monkeypatch.setattr("mylab.mischief.drawn", lambda: 0 * torch.rand(3).sum().item())
    beside, alone = run(**model, **DRAWS[part]), run(**model, **plain)
    # Other masks change the second digit; on some processors torch's mean, which the loss takes,
    # and ours differ in the last bit.
    np.testing.assert_allclose(beside.losses, alone.losses, rtol=1e-5)


def test_a_procedure_changes_its_own_copy_of_the_data(tmp_path):
    data = {"_target_": "mylab.data.rings", "held_out": True}
    config = run_config({**BASE, "data": data, "trainer": own("overwriting_fit")})
    loaded = data_sets.load(config.data, tmp_path)
    records = [train(config, loaded, [0])[0].metrics["seen"] for _ in range(2)]
    assert records[0] == records[1] != 0


IN_PLACE = {
    "L-BFGS looks at a batch many times": {"optimizer": {"name": "lbfgs", "lr": 0.1}},
    "test-time views are made from the image": {**IMAGES, "augment": {"test_flip": True}},
    "a batch is mixed": {"augment": {"mixup": 0.5}},
}


@pytest.mark.parametrize("case", IN_PLACE)
def test_a_model_may_overwrite_its_input(case, run):
    """Doubling is exact, so that in place or not the numbers are the same."""
    models = [own("Overwrites", in_place=in_place) for in_place in (True, False)]
    changed, copied = (run(model=model, **IN_PLACE[case]) for model in models)
    assert np.array_equal(changed.losses, copied.losses)
    assert np.array_equal(changed.predictions, copied.predictions)


@pytest.mark.parametrize("case", ["L-BFGS looks at a batch many times", "a batch is mixed"])
def test_a_loss_may_overwrite_logits_and_labels(case, run):
    losses = [own("overwriting_loss", in_place=in_place) for in_place in (True, False)]
    changed, copied = (run(loss=loss, **IN_PLACE[case]) for loss in losses)
    assert np.array_equal(changed.losses, copied.losses)


def test_a_metric_may_overwrite_logits_and_labels(run):
    record = run(**metric("overwriting_metric"))
    # In single precision, as the metric takes it.
    assert record.metrics["mine"] == pytest.approx(record.metrics["test/accuracy"], abs=1e-6)
    assert record.predictions.any()


def test_arguments_are_theirs_to_change():
    config = run_config({**BASE, "model": own("TakesLists", widths=[8])})
    for _ in range(2):
        check_user_code(config)
    assert config.model.arguments["widths"] == [8]
    again = user.bound(Target.model_validate(own("takes_a_list", numbers=[1])), "loss")
    assert [again(), again()] == [1, 1]


FREEZING = {
    "l1": {"penalty": {"name": "l1", "strength": 0.1}},
    "proximal": {"penalty": {"name": "l1", "strength": 0.1, "proximal": True}},
    "elastic net": {"penalty": {"name": "elastic_net", "strength": 0.1, "proximal": True}},
    "decay": {"optimizer": {"name": "momentum", "lr": 0.1, "weight_decay": 0.5}},
    "decoupled": {"optimizer": {"name": "sgd", "lr": 0.1, "weight_decay": 0.5, "decoupled": True}},
    "adamw": {"optimizer": {"name": "adamw", "weight_decay": 0.5}},
    "adam": {"optimizer": {"name": "adam_uncorrected", "weight_decay": 0.5, "decoupled": True}},
    "clipping": {"optimizer": {"name": "rmsprop", "clip_norm": 0.1, "weight_decay": 0.5}},
    "lbfgs": {"optimizer": {"name": "lbfgs"}},
}


@pytest.mark.parametrize("option", FREEZING)
def test_what_is_frozen_stays(option, run):
    made_up = {"model": own("Frozen"), **FREEZING[option]}
    last, start = (
        run(**made_up, trainer={**BASE["trainer"], "save": "last", "epochs": epochs}).weights
        for epochs in (2, 0)
    )
    moved = {name for name in last if not np.array_equal(last[name], start[name])}
    assert moved == {"last.weight", "last.bias"}


def test_a_word_of_an_own_optimizer_is_not_ours(run):
    """`shrink` in its groups is its own, whatever weight decay is called here."""
    records = [run(optimizer=own("Descent", lr=0.05, shrink=shrink)) for shrink in (0.0, 0.9)]
    assert np.array_equal(records[0].losses, records[1].losses)


TIED = {
    "adamw": {"optimizer": {"name": "adamw", "weight_decay": 0.5}},
    "proximal": {"penalty": {"name": "l1", "strength": 0.1, "proximal": True}},
    "clipping": {"optimizer": {"name": "sgd", "lr": 0.1, "clip_norm": 0.1}},
    "the best is restored": {"stopping": {"name": "patience", "patience": 1},
                             "optimizer": {"name": "sgd", "lr": 0.5}},
    "bf16": {"trainer": {"epochs": 1, "batch_size": 48, "precision": "bf16"}},
}  # fmt: skip


@pytest.mark.parametrize("option", TIED)
def test_tied_weights_stay_tied(option, run):
    changes = TIED[option]
    trainer = {**BASE["trainer"], "save": "last", **changes.get("trainer", {})}
    record = run(model={"_target_": "mylab.nets.Tied"}, **{**changes, "trainer": trainer})
    assert np.array_equal(record.weights["second.weight"], record.weights["third.weight"])
    assert record.parameters == 2 * 8 + 8 + 8 * 8 + 8 + 8 + 8 * 3 + 3  # the shared matrix once


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": own("Auxiliary")}, "returns a tuple for 2 examples in training mode"),
        ({"model": own("Detached")}, "depend on no parameter that is not frozen"),
        (
            {"model": {"_target_": "mylab.nets.Net", "norm": True}, "data": {**BASE["data"], "train_size": 97}},
            "in training mode: ValueError: Expected more than 1 value per channel",
        ),
        (
            {"model": {"_target_": "mylab.nets.Net", "norm": True}, "data": {**BASE["data"], "train_size": 97}},
            "97 training examples in batches of 48 (trainer.batch_size) leave a last batch of one: take another",
        ),
        (
            {"model": {"_target_": "mylab.nets.Net", "norm": True}, "trainer": {"epochs": 0, "batch_size": 1},
             "probe": {"steps": "ends", "examples": 5}},
            "the probe looks at 5 examples in batches of 1",
        ),
        ({"model": own("Squeezes"), "data": {**BASE["data"], "train_size": 96, "validation_size": 1}},
         "returns (3,) for 1 example while it predicts"),
        ({"model": own("FunctionDropout"), "ensemble": {"name": "mc_dropout"}}, "needs dropout as modules"),
        ({"model": own("FunctionDropout", module=0.5), "ensemble": {"name": "mc_dropout"}},
         "some of its masks would be missing"),
        ({"model": {"_target_": "mylab.nets.Net"}, "ensemble": {"name": "mc_dropout"}}, "has none at work"),
        ({"model": own("FunctionDropout"), "optimizer": {"name": "lbfgs"}}, "optimizer=lbfgs is not allowed"),
        ({"trainer": {**BASE["trainer"], "vary": "dropout"}}, "leaves nothing that varies"),
        ({"trainer": {**BASE["trainer"], "vary": "init"}, "model": own("OneStart")}, "OneStart does the same"),
        ({"trainer": {**BASE["trainer"], "vary": "augment"}, "augment": own("no_augment")}, "no_augment does the"),
        ({"schedule": {"name": "cosine"}, "optimizer": own("RateOfItsOwn", lr=0.1)}, "have no lr that it could set"),
    ],
)  # fmt: skip
def test_a_model_that_predicts_and_cannot_train_so_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        check_user_code(run_config({**BASE, **changes}))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": own("FunctionDropout", module=0.5, function=0.0), "ensemble": {"name": "mc_dropout"}},
        {"model": own("FunctionDropout"), "trainer": {**BASE["trainer"], "vary": "dropout"}},
        {"model": own("Squeezes"), "data": {**BASE["data"], "train_size": 96, "validation_size": 2}},
        {"model": own("Detached"), "trainer": {"epochs": 0}},
        {"model": {"_target_": "mylab.nets.Net", "norm": True}, "data": {**BASE["data"], "train_size": 98}},
        {"model": own("factory", classes=3)},
        {"trainer": {**BASE["trainer"], "vary": "init"}},
        {"trainer": {**BASE["trainer"], "vary": "augment"}, "augment": own("drawing_augment")},
    ],
)  # fmt: skip
def test_and_one_that_can_is_not(changes):
    check_user_code(run_config({**BASE, **changes}))


def test_data_draw_the_same_whenever_they_are_made():
    config = run_config({**BASE, "data": own("drawing_data")}).data
    assert torch.equal(made(config).train[0], made(config).train[0])


def test_a_run_leaves_its_process_as_it_was(tmp_path, monkeypatch):
    """Working directory, dtype and threads: the next run of a worker finds its own."""
    monkeypatch.chdir(tmp_path)
    config = run_config({**BASE, "trainer": own("leaves_a_mess")})
    task = Task(0, "key", tmp_path / "runs" / "s" / "cell" / "0")
    *_, ended = execute(Job("cell", config, (task,), tmp_path, "cpu"), {})
    assert (ended.status, os.getcwd()) == ("done", str(tmp_path))
    prepare_process(threads=1)
    torch.set_flush_denormal(False)
    assert (torch.get_default_dtype(), torch.get_num_threads()) == (torch.float32, 1)
