"""The key: equal numbers if and only if equal keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.config import RunConfig
from ablate.config.key import canonical, cell_key, run_key
from ablate.config.validate import run_config

BASE = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


def with_(group: str, **fields: object) -> RunConfig:
    return run_config({**BASE, group: {**BASE.get(group, {}), **fields}})


def test_canonical_form_is_what_differs_from_the_schema() -> None:
    config = with_("optimizer", lr=0.1, weight_decay=5e-4)
    assert canonical(config) == {
        "data": {"name": "digits"},
        "model": {"name": "mlp"},
        "init": {"name": "he"},
        "optimizer": {"name": "sgd", "weight_decay": 5e-4},
        "schedule": {"name": "constant"},
    }


@given(st.integers(1, 10**6))
def test_a_number_has_one_key_however_it_is_written(value: int) -> None:
    assert cell_key(with_("optimizer", lr=value)) == cell_key(with_("optimizer", lr=float(value)))
    assert cell_key(with_("model", width=value)) == cell_key(with_("model", width=float(value)))


@pytest.mark.parametrize("field", [{"device": "cpu"}, {"stack": 3}, {"save": "best"}], ids=str)
def test_runtime_fields_change_no_key(field: dict) -> None:
    assert cell_key(with_("trainer", **field)) == cell_key(run_config(BASE))


def test_of_two_ways_to_say_how_long_the_one_that_counts_is_the_config() -> None:
    two, five = (with_("trainer", steps=20, epochs=epochs) for epochs in (2, 5))
    assert two == five == run_config(canonical(two))
    assert cell_key(two) == cell_key(five)


@pytest.mark.parametrize(
    ("group", "fields"),
    [
        ("optimizer", {"lr": 0.2}),
        ("model", {"depth": 3}),
        ("init", {"name": "he", "scale": 2.0}),
        ("init", {"name": "xavier"}),
        ("trainer", {"epochs": 6}),
        ("probe", {"examples": 10}),
        ("data", {"train_size": 100}),
    ],
)
def test_everything_else_does(group: str, fields: dict) -> None:
    assert cell_key(with_(group, **fields)) != cell_key(run_config(BASE))


def test_run_key_depends_on_replicate_device_and_data() -> None:
    config = run_config(BASE)
    keys = {
        run_key(config, replicate, device, digest)
        for replicate in (0, 1)
        for device in ("cpu", "cuda")
        for digest in ("a", "b")
    }
    assert len(keys) == 8
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


def test_a_tuned_value_is_no_part_of_the_cells_identity() -> None:
    slow, fast = with_("optimizer", lr=0.01), with_("optimizer", lr=0.1)
    assert cell_key(slow) != cell_key(fast)
    assert cell_key(slow, ("optimizer.lr",)) == cell_key(fast, ("optimizer.lr",))


def test_golden_key() -> None:
    """A key that changes makes every ledger stale; then RESULTS_VERSION is raised by hand."""
    assert run_key(run_config(BASE), 0, "cpu", "digest")[:16] == "11d47104a51ed4da"
