"""What heads add to a training, counted by hand."""

import pytest

from ablate.config.validate import run_config
from ablate.launch.pace import training_cost

TRUNK = 64 * 20 + 20 * 30


@pytest.mark.parametrize(
    ("data", "heads", "of_example"),
    [
        ({}, {"name": "none"}, TRUNK + 30 * 10),
        ({}, {"name": "reconstruction"}, TRUNK + 30 * 10 + 30 * 64),
        ({}, {"name": "reconstruction", "shared": 1}, TRUNK + 30 * 10 + 20 * 30 + 30 * 64),
        ({"labelled": 50}, {"name": "reconstruction"}, 2 * TRUNK + 30 * 10 + 30 * 64),
    ],
)
def test_the_cost_of_a_training(data: dict, heads: dict, of_example: int) -> None:
    config = run_config(
        {
            "data": {"name": "digits", **data},
            "model": {"name": "mlp", "width": [20, 30], "depth": None},
            "heads": heads,
            "optimizer": {"name": "sgd"},
            "trainer": {"steps": 7, "batch_size": 5},
        }
    )
    assert training_cost(config) == 7 * 5 * of_example


def test_each_other_target_has_a_head() -> None:
    config = run_config(
        {
            "data": {"name": "digits_pairs"},
            "model": {"name": "mlp", "width": 20, "depth": 1},
            "heads": {"name": "others"},
            "optimizer": {"name": "sgd"},
            "trainer": {"steps": 1, "batch_size": 1},
        }
    )
    assert training_cost(config) == 144 * 20 + 2 * 20 * 10
