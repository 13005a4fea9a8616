"""Searches of two settings: what they look at, and that they choose by validation alone."""

import numpy as np
import pytest
import torch

import ablate
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.search import BUDGET, choose, first_places, refined_places
from ablate.streams import Streams

CONFIG = run_config(
    {
        "data": {"name": "synthetic"},
        "model": {"name": "mlp"},
        "optimizer": {"name": "sgd", "lr": 0.1},
    }
)


def data(flip_test=False):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 6, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long()
    test = 1 - y[200:] if flip_test else y[200:]
    return ablate.Data((x[:120], y[:120]), (x[120:200], y[120:200]), (x[200:], test))


def test_every_search_has_the_same_budget():
    streams = Streams(0, 0)
    assert len(first_places("grid", streams)) == BUDGET
    assert len(first_places("random", streams)) == BUDGET
    coarse = first_places("refined", streams)
    assert len(coarse) + len(refined_places(coarse[0])) == BUDGET


def test_a_grid_repeats_its_rates_and_draws_do_not():
    grid, drawn = (first_places(m, Streams(0, 3)) for m in ("grid", "random"))
    assert len(np.unique(grid[:, 0])) == 5
    assert len(np.unique(drawn[:, 0])) == BUDGET
    assert not np.array_equal(drawn, first_places("random", Streams(0, 4)))


def test_refining_stays_in_the_cell_that_was_best():
    fine = refined_places(np.array([0.375, 0.875]))
    low, high = np.array([0.25, 0.75]), np.array([0.5, 1.0])
    assert (fine > low).all()
    assert (fine < high).all()
    assert [0.375, 0.875] in fine.tolist()


@pytest.mark.parametrize("method", ["grid", "random", "refined"])
def test_a_setting_is_chosen_by_validation_alone(method):
    found = choose(CONFIG, data(), Streams(0, 0), method, steps=60)
    flipped = choose(CONFIG, data(flip_test=True), Streams(0, 0), method, steps=60)
    for key in ("chosen_rate", "chosen_decay", "validation/accuracy"):
        assert found[key] == flipped[key]
    assert found["test/accuracy"] == pytest.approx(1 - flipped["test/accuracy"])
    assert found["validation/accuracy"] > 0.75  # chance is one half
    assert 0.001 <= found["chosen_rate"] <= 10


def test_another_method_is_refused():
    with pytest.raises(ConfigError, match="trainer.method is 'bayes'"):
        choose(CONFIG, data(), Streams(0, 0), "bayes")
