"""Batches of one example: found from sizes alone, and refused where batch norm cannot take one."""

import pytest

from ablate import data
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.single_examples import (
    alone_in_prediction,
    alone_in_training,
    check_normalization,
)
from ablate.train.loop import train

DEEP = {"name": "fitnet1", "norm": "batch"}  # images of 4 x 4: the last maps are 1 x 1
IMAGES = {"name": "synthetic", "shape": [1, 4, 4], "train_examples": 400, "validation_size": 50,
          "test_examples": 400}  # fmt: skip


def config(train=129, model=None, sizes=None, epochs=1, batch_size=128, **probe):
    return run_config(
        {
            "data": {**IMAGES, "train_size": train, **(sizes or {})},
            "model": model or DEEP,
            "optimizer": {"name": "sgd"},
            "trainer": {"epochs": epochs, "batch_size": batch_size},
            "probe": probe,
        }
    )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({}, "129 training examples in batches of 128 (trainer.batch_size) leave a last batch"),
        ({"train": 128}, None),
        ({"train": 130}, None),
        ({"epochs": 0}, None),
        ({"train": 200, "batch_size": 1}, "leave a last batch of one"),
        ({"train": 1}, "leave a last batch of one"),
        ({"train": 200, "examples": 1}, "the probe looks at 1 examples in batches of 128"),
        ({"train": 200, "examples": 1, "steps": "off"}, None),
        # 5 examples are looked at in three batches, of 2, 2 and 1.
        ({"train": 200, "batch_size": 2, "examples": 5}, "the probe looks at 5 examples"),
    ],
)
def test_a_single_example_is_found(changes, part):
    said = alone_in_training(config(**changes))
    assert (said is None) == (part is None)
    assert part is None or part in said


@pytest.mark.parametrize(
    ("sizes", "alone"),
    [
        ({"validation_size": 100, "test_size": 100}, False),
        ({"validation_size": 201, "test_size": 100}, True),
        ({"validation_size": 101, "test_size": 301}, False),
    ],
)
def test_likewise_in_prediction(sizes, alone):
    assert alone_in_prediction(config(train=150, sizes=sizes)) == alone


def test_batch_norm_over_maps_of_one_pixel_needs_two_examples():
    with pytest.raises(ConfigError, match="a single value per channel; take another trainer.batc"):
        check_normalization(config(), (1, 4, 4))
    check_normalization(config(), (1, 8, 8))  # their maps end at 2 x 2
    for sound in (
        config(train=130),
        config(model={**DEEP, "norm": "layer"}),
        config(model={"name": "mlp", "norm": "batch"}),
    ):
        check_normalization(sound, (1, 4, 4))


def test_torch_refuses_what_is_refused_here_and_nothing_else(tmp_path):
    refused, sound = config(train=129, steps="off"), config(train=130, steps="off")
    loaded = data.load(sound.data, tmp_path)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        train(refused, loaded, [0])
    assert train(sound, loaded, [0])[0].losses.size == 2
