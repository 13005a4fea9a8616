"""Training with the user's own model, loss, optimizer, augmentation, metric and procedure."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import torch

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.errors import AblateError, ConfigError
from ablate.launch.user_check import check_user_code, not_stacked
from ablate.metrics.scores import log_probabilities
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.prepare import prepare

RINGS = {"_target_": "mylab.data.rings"}
BASE = {
    "data": RINGS,
    "model": {"_target_": "mylab.nets.Net"},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"epochs": 3, "batch_size": 32},
    "probe": {"steps": "ends", "examples": 40},
}


@pytest.fixture
def run(run):
    def changed(replicates=(0,), **changes):
        config = run_config({**BASE, **changes})
        check_user_code(config)
        alone = config.trains_one_by_one or not_stacked(config)
        stacks = [[replicate] for replicate in replicates] if alone else [replicates]
        return [record for stack in stacks for record in run(config, stack)]

    return changed


def test_it_trains_as_a_loop_written_by_hand(run, tmp_path):
    """Same initial weights, same batches, plain torch: the same losses."""
    config = run_config(BASE)
    data = data_sets.load(config.data, tmp_path)
    stack = prepare(config, data, [Streams(0, 0)], "cpu")
    module = stack.network.module
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    losses = []
    for epoch in range(3):
        for indices in stack.order(epoch).split(32, dim=1):
            batch = stack.batch(indices, epoch, len(losses))
            loss = torch.nn.functional.cross_entropy(module(batch.inputs[0]), batch.targets[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    # The update may be by another kernel: a few units in the last place over fifteen steps.
    assert run()[0].losses == pytest.approx(losses, rel=1e-5)


OPTIONS = {
    "images": {"data": {**RINGS, "images": True}, "augment": {"flip": "random", "crop": 1}},
    "batch norm and dropout": {"model": {"_target_": "mylab.nets.Net", "norm": True, "dropout": 0.2}},
    "no layer to probe": {"model": {"_target_": "mylab.nets.Flat"}},
    "weights used twice": {"model": {"_target_": "mylab.nets.Tied"}},
    "lbfgs": {"optimizer": {"name": "lbfgs"}},
    "adamw": {"optimizer": {"name": "adamw", "weight_decay": 0.1}},
    "clipping": {"optimizer": {"name": "sgd", "lr": 0.1, "clip_norm": 0.1}},
    "l1": {"penalty": {"name": "l1", "proximal": True}},
    "mixup": {"augment": {"mixup": 0.3}},
    "patience": {"stopping": {"name": "patience", "patience": 1}},
    "plateau": {"schedule": {"name": "plateau"}},
    "bf16": {"trainer": {**BASE["trainer"], "precision": "bf16"}},
    "weights kept": {"trainer": {**BASE["trainer"], "save": "best"}},
    "snapshots": {"ensemble": {"name": "snapshot", "size": 2, "snapshots": 2}},
    "masks": {"model": {"_target_": "mylab.nets.Net", "dropout": 0.2}, "ensemble": {"name": "mc_dropout", "size": 2, "passes": 2}},
    "bagging": {"ensemble": {"name": "bagging", "size": 1}},
    "own loss": {"loss": {"_target_": "mylab.parts.focal", "gamma": 1.0}},
    "own loss class": {"loss": {"_target_": "mylab.parts.Hinge", "margin": 0.5}},
    "own optimizer": {"optimizer": {"_target_": "mylab.parts.SignDescent", "lr": 0.01}},
    "own augmentation": {"augment": {"_target_": "mylab.parts.Jitter", "std": 0.2}},
    "own augmentation with a generator": {"augment": {"_target_": "mylab.parts.shift"}},
    "all of this package's beside own data": {"model": {"name": "mlp", "width": 8, "norm": "batch"}},
}  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_it_goes_with(option, run):
    """Two replicates differ, each comes again, and its numbers are those it has alone."""
    both, alone = run((0, 1), **OPTIONS[option]), run((1,), **OPTIONS[option])
    # A module in a stack is run by vmap, which adds in another order.
    assert both[1].metrics == pytest.approx(alone[0].metrics, rel=1e-4, abs=1e-6)
    assert not np.array_equal(both[0].losses, both[1].losses)
    assert both[0].metrics["test/accuracy"] > 0.2
    assert math.isfinite(both[0].losses[-1])


def test_an_own_loss_and_optimizer_do_what_they_say(run):
    """One step of full-batch sign descent on the focal loss."""
    trainer = {"epochs": 1, "batch_size": 1000, "save": "last"}
    loss = {"_target_": "mylab.parts.focal", "gamma": 2}
    optimizer = {"_target_": "mylab.parts.SignDescent", "lr": 0.5}
    changes = {"loss": loss, "optimizer": optimizer, "trainer": trainer}
    (record,) = run(**changes)
    config = run_config({**BASE, **changes, "trainer": {**trainer, "epochs": 0}})
    (start,) = train(config, data_sets.load(config.data, None), [0])
    moved = [record.weights[name] - start.weights[name] for name in start.weights]
    # lr x sign, rounded once where it is added: weights are below 1.
    assert [float(np.abs(m).max()) for m in moved] == pytest.approx([0.5] * 6, abs=2**-23)
    # Focal loss is at most the cross-entropy, which at the start is about ln 3.
    assert 0 < record.losses[0] < 1.5 * math.log(3)


def test_an_own_augmentation_disturbs_no_other_stream(run):
    """Dropout draws the same masks beside one that changes nothing."""
    model = {"_target_": "mylab.nets.Net", "dropout": 0.5}
    still = {"_target_": "mylab.parts.Jitter", "std": 0.0}
    plain, beside = run(model=model), run(model=model, augment=still)
    assert np.array_equal(plain[0].losses, beside[0].losses)


def test_an_own_metric_is_taken_on_the_test_set(run, tmp_path):
    metric = {"name": "macro_recall", "function": "mylab.parts.macro_recall"}
    (record,) = run(metric=metric)
    labels = data_sets.load(run_config(BASE).data, tmp_path).test[1].numpy()
    guessed = log_probabilities(record.predictions).argmax(axis=1)
    recalls = [(guessed[labels == k] == k).mean() for k in range(3)]
    assert record.metrics["macro_recall"] == pytest.approx(np.mean(recalls), abs=1e-6)  # float32


WRONG = {
    "loss=mylab.parts.macro_recall fails when tried": {"loss": {"_target_": "mylab.parts.macro_recall"}},
    "shape": {"loss": {"_target_": "mylab.parts.per_example"}},
    "returned (4, 1) for images (4, 2)": {"augment": {"_target_": "mylab.parts.halved"}},
    "augment=mylab.parts.blanked returned values that are not finite": {
        "augment": {"_target_": "mylab.parts.blanked"}},
    "returned nan, which is no number": {"metric": {"name": "x", "function": "mylab.parts.not_a_number"}},
    "gives a float; it must be a torch.optim.Optimizer": {
        "optimizer": {"_target_": "mylab.parts.no_optimizer", "lr": 1.0}},
    "takes no argument 'step'; it takes steps or lr. Did you mean 'steps'": {
        "trainer": {"_target_": "mylab.train.fit", "step": 3}},
    "there is no such command": {"trainer": {"command": "nonesuch --fast"}},
}  # fmt: skip


@pytest.mark.parametrize("sentence", WRONG)
def test_what_does_not_do_its_part_is_refused_before_anything_starts(sentence, run):
    with pytest.raises(ConfigError) as caught:
        run(**WRONG[sentence])
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def procedure(name, **arguments):
    return {"trainer": {"_target_": f"mylab.train.{name}", **arguments}}


def test_a_procedure_gets_the_replicates_own_split_and_streams(run):
    records = run((0, 1), **procedure("fit", steps=30))
    assert [len(record.losses) for record in records] == [30, 30]
    assert records[0].losses[0] != records[1].losses[0]
    assert records[0].evaluations[3] == {"step": 3, "train/loss": records[0].losses[3]}
    assert set(records[0].metrics) == {
        f"test/{n}" for n in ("accuracy", "loss", "nll", "brier", "ece")
    }
    assert run((1,), **procedure("fit", steps=30))[0].metrics == records[1].metrics


def test_a_procedure_may_give_metrics_alone_or_give_up(run):
    assert run(**procedure("metrics_alone"))[0].metrics == {"test/accuracy": 0.5, "steps": 12}
    assert run(**procedure("gives_up"))[0].status == "diverged"
    lost = run(**procedure("fit", steps=200, lr=1e38))[0]
    assert (lost.status, lost.nc_reason) == ("diverged", "nonfinite")
    assert lost.diverged_at_step == len(lost.losses) < 200
    with pytest.raises(AblateError, match="must give metrics as numbers by name"):
        run(**procedure("nonsense"))


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("percent", "gives test/accuracy = 97.3; it must be from 0 to 1: a fraction, not percent"),
        ("below", "gives validation/nll = -0.5; it must be from 0."),
        ("percent on the way", "gives validation/accuracy = 55; it must be from 0 to 1"),
        ("a text", "must give metrics as numbers by name, or an ablate.Outcome; it gave 'score': 'high'"),
        ("a list", "it gave 'score': [1.0, 2.0]"),
        ("no name", "it gave 3: 1.0"),
        ("no step", "gives evaluations[0] with step = nan; it must be a whole number from 0 on"),
        ("half a step", "gives evaluations[0] with step = 0.5"),
        ("rows of text", "must give evaluations as a list of mappings; it gave ['epoch 1']"),
        ("losses of text", "gives losses that are no numbers: could not convert"),
        ("losses in a square", "gives losses (2, 2); they must be a number per step"),
        ("perhaps", "gives converged = 'yes'; it must be a bool"),
        ("predictions of others", "returned predictions (3, 3); they must be (80, 3)"),
    ],
)  # fmt: skip
def test_what_a_procedure_gives_is_named_where_it_cannot_be(what, sentence, run):
    with pytest.raises(AblateError) as caught:
        run(**procedure("gives", what=what))
    assert str(caught.value).startswith("trainer=mylab.train.gives ")
    assert sentence in str(caught.value)


def test_numbers_of_all_kinds_are_numbers(run):
    (record,) = run(**procedure("gives", what="numbers of all kinds"))
    assert record.metrics == {"tensor": 0.5, "numpy": 0.5, "whole": 3.0}
    assert record.evaluations == ({"step": 2, "x": 0.25},)
    assert record.losses.tolist() == [1.0, 1.0]
    assert record.nc_reason == "nonfinite"  # 10^400


def test_an_own_metric_is_tried_on_the_labels_of_the_test_set(run, tmp_path):
    """One that has no value on them is found before training, under the function's name."""
    data = {"_target_": "mylab.data.odd", "how": "one class in test"}
    metric = {"name": "auc", "function": "mylab.parts.area"}
    with pytest.raises(ConfigError, match="^metric.from=mylab.parts.area: ValueError: only one"):
        run(data=data, metric=metric)
    run(data={"_target_": "mylab.data.odd"}, metric=metric, trainer={"epochs": 1})


def test_what_own_code_raises_in_a_run_is_said_of_it(run, tmp_path):
    """What the tries before a sweep do not meet: the sentence is the same."""
    data = data_sets.load(run_config(BASE).data, tmp_path)
    wrong = {
        "metric.from=mylab.parts.area: ValueError: only one": {
            "metric": {"name": "auc", "function": "mylab.parts.area"}},
        "loss=mylab.parts.tired: SystemExit: enough": {"loss": {"_target_": "mylab.parts.tired"}},
        "augment=mylab.parts.tired: SystemExit: enough": {"augment": {"_target_": "mylab.parts.tired"}},
        "trainer=mylab.train.leaves: SystemExit: had enough": {
            "trainer": {"_target_": "mylab.train.leaves"}},
        "trainer=mylab.train.metrics_alone gives test/accuracy = 7": procedure(
            "metrics_alone", value=7),
        "metric.from=mylab.parts.percent gives test/accuracy = 50": {
            "metric": {"name": "test/accuracy", "function": "mylab.parts.percent"}},
    }  # fmt: skip
    of_one = dataclasses.replace(data, test=(data.test[0], torch.zeros_like(data.test[1])))
    for sentence, changes in wrong.items():
        with pytest.raises(AblateError) as caught:
            train(run_config({**BASE, **changes}), of_one, [0])
        assert sentence in str(caught.value)


SCRIPT = """
import json, os, sys
settings = json.load(open(os.environ["ABLATE_CONFIG"]))
assert settings["data"]["_target_"] == "mylab.data.rings"
if settings["trainer"]["lr"] > 1:
    sys.exit("the rate is too high")
value = settings["trainer"]["lr"] + settings["replicate"]
json.dump({"metrics": {"score": value}, "converged": value < 1}, open(sys.argv[1], "w"))
"""


def test_a_command_reads_a_config_and_writes_metrics(run, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = f"{sys.executable} {tmp_path / 'script.py'} {{metrics}}"
    records = run((0, 1), trainer={"command": command, "lr": 0.25})
    assert [record.metrics["score"] for record in records] == [0.25, 1.25]
    assert [record.status for record in records] == ["done", "diverged"]
    with pytest.raises(AblateError, match="exit code 1: the rate is too high"):
        run(trainer={"command": command, "lr": 2})
    with pytest.raises(AblateError, match="wrote no metrics"):
        run(trainer={"command": f"{sys.executable} -c pass"})
    assert json.dumps(run_config({**BASE, "trainer": {"command": command}}).model_dump(mode="json"))
