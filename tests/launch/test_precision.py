import pytest

from ablate.config.validate import run_config
from ablate.launch import precision


def config(model, asked):
    fields = {"model": {"name": model}, "trainer": {"precision": asked}, "init": {"name": "he"}}
    return run_config(fields | {"optimizer": {"name": "sgd"}, "data": {"name": "cifar10"}})


@pytest.mark.parametrize(
    ("here", "asked", "slow", "fast"),
    [
        (False, "bf16", True, False),
        (False, "fp32", False, False),
        (True, "bf16", False, False),
        (True, "fp32", False, True),
        (None, "bf16", False, False),
        (None, "fp32", False, False),
    ],
)
def test_a_processor_is_spoken_of_where_it_matters(here, asked, slow, fast, monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_instructions", lambda: here)
    configs = [config("mlp", asked)]
    assert bool(precision.emulated(configs, "cpu")) is slow
    assert bool(precision.would_be_faster(configs, "cpu", 3600)) is fast
    assert not precision.emulated(configs, "cuda")
    assert not precision.would_be_faster(configs, "cuda", 3600)


def test_of_short_sweeps_and_of_unknown_ones_nothing_is_said(monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_instructions", lambda: True)
    for seconds in (None, 30.0):
        assert not precision.would_be_faster([config("mlp", "fp32")], "cpu", seconds)


def test_nothing_is_promised_of_networks_that_were_not_measured(monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_instructions", lambda: True)
    assert precision.would_be_faster([config("cnn", "fp32")], "cpu", 3600)
    assert not precision.would_be_faster([config("resnet20", "fp32")], "cpu", 3600)
