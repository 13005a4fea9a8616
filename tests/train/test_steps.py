"""Trained for a number of steps in place of epochs."""

from pathlib import Path

import pytest
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config import RunConfig
from ablate.config.key import canonical, cell_key
from ablate.config.validate import run_config
from ablate.records import Record
from ablate.train.loop import train


def config(**trainer: int) -> RunConfig:
    fields = {"batch_size": 37, **trainer}
    return run_config({**SMALL, "trainer": fields, "schedule": {"name": "linear"}})


def run(**trainer: int) -> Record:
    cell = config(**trainer)
    return train(cell, data_sets.load(cell.data, Path()), [0])[0]


def test_so_many_steps_are_the_same_training_as_the_epochs_that_have_them() -> None:
    # 300 examples in batches of 37 are nine steps.
    assert_same(run(epochs=3), run(steps=27))


def test_training_may_end_within_an_epoch() -> None:
    last = run(steps=12).evaluations[-1]
    assert last["step"] == 12
    # Along a line from the whole rate before the first step to none after the last.
    assert last["lr"] == pytest.approx(config().lr / 12)


def test_what_does_not_count_is_in_no_key() -> None:
    one, other = (config(steps=7, epochs=epochs) for epochs in (1, 9))
    assert cell_key(one) == cell_key(other)
    assert "steps" not in canonical(config())["trainer"]
    assert "epochs" not in canonical(one)["trainer"]
