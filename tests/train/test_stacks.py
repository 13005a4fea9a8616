"""Stacked is alone: to the last bit where this package's layers train on a CPU."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from option_rows import FACTORS, checked, covering_array, settings
from same_records import assert_same

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.launch.members import training_config
from ablate.records import Record
from ablate.train.loop import train

#: What is stacked on a CPU by the rule.
STACKED = {
    **FACTORS,
    "model": ["mlp"],
    "data": ["digits", "white", "gray"],
    "optimizer": [name for name in FACTORS["optimizer"] if name != "lbfgs"],
    "schedule": [name for name in FACTORS["schedule"] if name != "plateau"],
}
STACKS = ([0, 2], [5, 2, 0, 1, 3, 4, 6])


def config_of(row: dict[str, Any]) -> RunConfig:
    values = settings(row)
    # Widths that fill torch's vectors, and one that does not; ties need layers of one shape.
    ties = [32, 32] if row["penalty"] == "tied" else []
    values["model"] |= {"depth": None, "width": [20, 32, *ties]}
    values["trainer"] |= {"save": "last"}
    return training_config(checked(values))


def assert_same_in_every_stack(config: RunConfig, folder: Path) -> None:
    data = data_sets.load(config.data, folder, config.seed)
    alone = train(config, data, [2])[0]
    for stack in STACKS:
        assert_same(alone, train(config, data, stack)[stack.index(2)])


@pytest.mark.long
@pytest.mark.parametrize(
    "row", covering_array(STACKED), ids=lambda row: "-".join(map(str, row.values()))
)
def test_a_record_does_not_depend_on_the_stack(row: dict[str, Any], tmp_path: Path) -> None:
    """Every pair of options meets in a row."""
    assert_same_in_every_stack(config_of(row), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", STACKED["optimizer"])
@pytest.mark.parametrize("norm", FACTORS["norm"])
def test_every_norm_dropout_augmentation_and_optimizer(
    optimizer: str, norm: str, tmp_path: Path
) -> None:
    """All combinations of the four; what is refused trains nowhere."""
    others = {name: STACKED[name][0] for name in FACTORS}
    others |= {"penalty": "none", "ensemble": "none", "precision": "fp32", "stopping": "none",
               "schedule": "cosine"}  # fmt: skip
    trained = 0
    for dropout in FACTORS["dropout"]:
        for augment in FACTORS["augment"]:
            row = {**others, "optimizer": optimizer, "norm": norm, "dropout": dropout,
                   "augment": augment}  # fmt: skip
            try:
                config = config_of(row)
            except ValueError:
                continue
            assert_same_in_every_stack(config, tmp_path)
            trained += 1
    assert trained >= len(FACTORS["augment"])


OWN = {
    "data": {"_target_": "mylab.data.rings"},
    "model": {"_target_": "mylab.nets.Net", "norm": True},
    "optimizer": {"name": "momentum", "lr": 0.05},
    "trainer": {"epochs": 4, "batch_size": 32, "save": "last"},
    "probe": {"steps": "ends", "examples": 40, "histograms": True},
}


def pair_of(values: dict[str, Any], folder: Path) -> tuple[Record, Record]:
    """Return replicate 1 of a stack of three, and alone."""
    config = run_config(values)
    data = data_sets.load(config.data, folder)
    return train(config, data, [0, 1, 2])[1], train(config, data, [1])[0]


def test_a_module_of_the_users_own_trains_as_a_stack(tmp_path: Path) -> None:
    """`vmap` adds in another order: single precision over a few steps, 1e-5 relative."""
    stacked, alone = pair_of(OWN, tmp_path)
    assert stacked.losses == pytest.approx(alone.losses, rel=1e-5)
    assert stacked.metrics == pytest.approx(alone.metrics, rel=1e-5)
    assert stacked.weights is not None
    assert alone.weights is not None
    assert list(stacked.weights) == list(alone.weights)
    for name, weight in alone.weights.items():
        np.testing.assert_allclose(stacked.weights[name], weight, rtol=1e-4, atol=1e-6)
    assert list(stacked.probe["layers"]) == list(alone.probe["layers"])
    np.testing.assert_allclose(
        stacked.probe["statistics"], alone.probe["statistics"], rtol=1e-4, atol=1e-6
    )
    assert stacked.parameters == alone.parameters
    assert stacked.multiply_adds == alone.multiply_adds


@pytest.mark.parametrize("stopping", ["none", "patience"])
def test_in_such_a_stack_weights_are_kept_and_come_back(stopping: str, tmp_path: Path) -> None:
    stop = {"name": stopping} | ({"patience": 1} if stopping == "patience" else {})
    trainer = {**OWN["trainer"], "epochs": 8, "save": "best"}
    stacked, alone = pair_of({**OWN, "trainer": trainer, "stopping": stop}, tmp_path)
    assert len(stacked.losses) == len(alone.losses)
    assert stacked.metrics == pytest.approx(alone.metrics, rel=1e-4)


def test_an_epoch_of_mnist_on_the_general_path(tmp_path: Path) -> None:
    """Within 1e-4 relative after 430 steps: seen were 4e-7 in the losses, 3e-8 in the scores."""
    folder = os.environ.get("ABLATE_DATA_DIR")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("ABLATE_DATA_DIR names no folder with mnist")
    stacked, alone = pair_of(
        {
            "data": {"name": "mnist", "test_size": 2000},
            "model": {**OWN["model"], "width": 32},
            "optimizer": {"name": "momentum", "lr": 0.02},
            "trainer": {"epochs": 1},
            "probe": {"steps": "off"},
        },
        tmp_path,
    )
    assert stacked.losses == pytest.approx(alone.losses, rel=1e-4)
    assert stacked.metrics == pytest.approx(alone.metrics, rel=1e-4)
