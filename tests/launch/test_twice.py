"""Own code run twice: what gives other numbers is named, and nothing else."""

import pytest

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.launch.twice import differences


def own(name, **arguments):
    return {"_target_": f"mylab.mischief.{name}", **arguments}


def said(tmp_path, **changes):
    base = {"data": {"name": "synthetic", "shape": [6]}, "model": {"name": "mlp", "width": 8}}
    config = run_config({**base, "optimizer": {"name": "sgd"}, **changes})
    return list(differences(config, data_sets.load(config.data, tmp_path)))


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"data": own("counting_data")}, "data=mylab.mischief.counting_data gives other numbers"),
        ({"augment": own("unseeded_augment")}, "augment=mylab.mischief.unseeded_augment gives"),
        ({"trainer": own("counting_fit")}, "trainer=mylab.mischief.counting_fit gives other"),
        (
            {"model": own("FunctionDropout", always=True)},
            "model=mylab.mischief.FunctionDropout draws random numbers while it predicts",
        ),
    ],
)
def test_what_depends_on_something_else_is_named(changes, start, tmp_path):
    (sentence,) = said(tmp_path, **changes)
    assert sentence.startswith(start)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": own("drawing_data")},
        {"model": own("Draws")},
        {"loss": own("drawing_loss")},
        {"augment": own("drawing_augment")},
        {"optimizer": own("DrawingDescent", lr=0.1)},
        {"metric": {"name": "mine", "function": "mylab.mischief.drawing_metric"}},
        {"trainer": own("drawing_fit")},
        {"model": {"_target_": "mylab.nets.Net", "norm": True, "dropout": 0.5}},
    ],
    ids=str,
)
def test_what_draws_from_the_streams_is_not(changes, tmp_path):
    assert said(tmp_path, **changes) == []
