"""Networks trained for other tasks than classes, with all that training has."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from same_records import assert_same

from ablate import data as data_sets
from ablate.config.task import FACTS
from ablate.config.validate import run_config
from ablate.train.loop import train
from ablate.train.trial import trial

DATA = {
    "regression": {"name": "friedman", "train_examples": 400, "test_examples": 300},
    "two targets": {"_target_": "mylab.data.line", "targets": 2, "units": 1000.0},
    "multilabel": {"_target_": "mylab.data.tags"},
    "own": {"_target_": "mylab.data.grades"},
    "text": {"name": "grammar", "train_examples": 200, "test_examples": 50, "validation_size": 50,
             "length": 12},
    "sequences": {"_target_": "mylab.data.of_kind", "task": "regression", "kind": "tokens"},
}  # fmt: skip
TASKS = {
    "regression": "regression", "two targets": "regression", "multilabel": "multilabel",
    "own": "mylab.tasks.Grades", "text": "next_token", "sequences": "regression",
}  # fmt: skip


def config_of(name, **changes):
    fields = {
        "data": DATA[name],
        "model": {"name": "mlp", "width": 32, "depth": 2},
        "optimizer": {"name": "adam", "lr": 0.01},
        "trainer": {"epochs": 20, "batch_size": 32, "save": "last"},
        "probe": {"steps": "ends", "examples": 32, "histograms": True},
    }
    if name in ("text", "sequences"):
        fields["model"] = {"name": "transformer", "width": 16}
    if name == "own":
        fields["task"] = {"_target_": "mylab.tasks.Grades"}
    return run_config(fields | changes)


def trained(config, replicates, folder: Path):
    return train(config, data_sets.load(config.data, folder, config.seed), replicates)


@pytest.mark.parametrize("name", DATA)
def test_it_is_learnt_scored_and_probed(name: str, tmp_path: Path) -> None:
    config = config_of(name)
    (record,) = trained(config, [0], tmp_path)
    assert record.status == "done"
    facts = FACTS.get(TASKS[name])
    scored = facts.scores if facts else ("mean_miss", "loss", "exact")
    names = {f"{part}/{score}" for part in ("train", "validation", "test") for score in scored}
    assert names <= record.metrics.keys()
    assert f"validation/{scored[0]}" in record.evaluations[-1]
    assert (
        record.evaluations[-1]["validation/loss"] < 0.7 * record.evaluations[0]["validation/loss"]
    )
    assert np.isfinite(record.probe["statistics"][-1, :, :, :2]).all()
    loaded = data_sets.load(config.data, tmp_path, 0)
    assert len(record.predictions) == len(loaded.test[1])


@pytest.mark.parametrize("name", ["regression", "two targets", "multilabel", "text", "sequences"])
def test_a_record_does_not_depend_on_the_stack(name: str, tmp_path: Path) -> None:
    config = config_of(name)
    alone = trained(config, [2], tmp_path)[0]
    for stack in ([0, 2], [5, 2, 0, 1, 3]):
        assert_same(alone, trained(config, stack, tmp_path)[stack.index(2)])


def test_the_unit_of_a_target_changes_nothing(tmp_path: Path) -> None:
    """Grams for kilograms: learning rates and scores are the same but for rounding."""
    lines = [{**DATA["two targets"], "units": units} for units in (1.0, 1000.0)]
    one, other = (trained(config_of("two targets", data=d), [0], tmp_path)[0] for d in lines)
    for name, value in one.metrics.items():
        assert other.metrics[name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


def test_a_network_that_cannot_learn_numbers_is_not_converged(tmp_path: Path) -> None:
    config = config_of("regression", optimizer={"name": "sgd", "lr": 1e-9})
    assert trained(config, [0], tmp_path)[0].nc_reason == "no_progress"


def test_noise_bounds_what_can_be_learnt(tmp_path: Path) -> None:
    """The best possible R² is 1 - 1/var(y): about 0.96 of Friedman's function with noise 1."""
    loaded = data_sets.load(config_of("regression").data, tmp_path, 0)
    best = 1 - 1 / float(loaded.test[1].double().var())
    (record,) = trained(
        config_of("regression", trainer={"epochs": 40, "batch_size": 16}), [0], tmp_path
    )
    assert 0.6 < record.metrics["test/r2"] < best


@pytest.mark.parametrize(
    "changes",
    [
        {"stopping": {"name": "patience", "monitor": "validation/r2", "patience": 2}},
        {"schedule": {"name": "plateau", "monitor": "validation/r2"}},
        {"augment": {"mixup": 0.2}},
        {"ensemble": {"name": "snapshot", "size": 2, "snapshots": 2}},
        {"ensemble": {"name": "bagging", "size": 2}},
        {"optimizer": {"name": "lbfgs"}, "trainer": {"epochs": 2}},
        {"loss": {"_target_": "torch.nn.HuberLoss"}},
        {"task": {"name": "regression", "error": "absolute"}},
        {"probe": {"train_accuracy": True, "weights": True}},
        {"trainer": {"precision": "bf16", "epochs": 20, "batch_size": 32}},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_regression_goes_with_the_other_options(changes, tmp_path: Path) -> None:
    (record,) = trained(config_of("regression", **changes), [0], tmp_path)
    assert record.metrics["test/r2"] > 0
    if "probe" in changes:
        assert record.evaluations[-1]["train/r2"] > 0
    if "mixup" in str(changes):
        assert record.metrics["train/r2"] > 0.2


@pytest.mark.parametrize("name", DATA)
def test_a_trial_tells_of_any_task(name: str, tmp_path: Path) -> None:
    config = config_of(name)
    found = trial(config, data_sets.load(config.data, tmp_path, 0))
    # He's rule gives outputs a variance of about 2, and a wrong start costs no more than that.
    assert 0.5 < found.loss < 8
    assert found.gradients.whole is None if name == "own" else found.gradients.whole < 1e-4
    assert math.isnan(found.fits) if name == "text" else found.fits > 0.9
