"""Wrong values: one plain sentence that names the key, the value and what is allowed."""

import copy

import pytest

from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError

BASE = {
    "data": {"name": "mnist"},
    "model": {"name": "mlp", "depth": 3},
    "init": {"name": "he"},
    "optimizer": {"name": "adam"},
    "schedule": {"name": "step"},
    "trainer": {},
}


def wrong(key: str, value: object) -> str:
    values = copy.deepcopy(BASE)
    group, _, name = key.partition(".")
    if name:
        values.setdefault(group, {})[name] = value
    else:
        values[group] = value
    with pytest.raises(ConfigError) as caught:
        run_config(values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("model.dropout", 1.5, "model.dropout=1.5 is not allowed: it must be less than 1 or a list."),
        ("model.dropout", "0.5", "model.dropout='0.5' is not allowed: it must be a number or a list."),
        ("model.dropout", True, "model.dropout=true is not allowed: it must be a number or a list."),
        ("model.dropout", [0.2, 1.5, 0], "model.dropout.1=1.5 is not allowed: it must be less than 1."),
        ("optimizer.lr", -1, "optimizer.lr=-1 is not allowed: it must be greater than 0."),
        ("optimizer.lr", float("nan"), "optimizer.lr=nan is not allowed: it must be a finite number."),
        ("trainer.epochs", 2.5, "trainer.epochs=2.5 is not allowed: it must be a whole number."),
        ("trainer.epochs", -1, "trainer.epochs=-1 is not allowed: it must be at least 0."),
        ("trainer.stack", "x", "trainer.stack='x' is not allowed: it must be auto or off or a whole number."),
        ("model.width", "a", "model.width='a' is not allowed: it must be a whole number or a list."),
        ("model.activation", "rely", "model.activation='rely' is not allowed: it must be linear, sigmoid, tanh,"),
        ("seed", -1, "seed=-1 is not allowed: it must be at least 0."),
        ("init.name", "hee", "init='hee' is not allowed: it must be zeros, constant,"),
        ("model.depht", 3, "unknown key 'model.depht'; model 'mlp' has activation, depth,"),
        ("model.depht", 3, "Did you mean 'depth'?"),
        ("model", 3, "model=3 is not allowed: it must be a mapping of keys."),
        ("model.width", [64, 128], "model.width lists 2 layers but model.depth is 3: with a list of"),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_sentences(key: str, value: object, sentence: str) -> None:
    assert sentence in wrong(key, value)


def test_the_place_comes_first() -> None:
    with pytest.raises(ConfigError, match="^init=he · lr=-1: optimizer.lr=-1 is not allowed"):
        run_config({**BASE, "optimizer": {"name": "adam", "lr": -1}}, where="init=he · lr=-1")


def test_a_list_gives_the_layers() -> None:
    config = run_config({**BASE, "model": {"name": "mlp", "depth": None, "width": [64, 128, 64]}})
    assert config.model.widths == (64, 128, 64)


def test_the_text_below_a_field_is_its_description_in_the_schema() -> None:
    schema = RunConfig.model_json_schema()["$defs"]
    assert schema["Trainer"]["properties"]["eval_every"]["description"] == (
        "Steps between evaluations on validation; null: once an epoch."
    )
    # Inherited ones too, and every field of a trainer or an augmentation has one.
    assert schema["Cnn"]["properties"]["dropout"]["description"].startswith("Probability that")
    for name in ("Trainer", "Augment", "Probe"):
        assert all("description" in field for field in schema[name]["properties"].values()), name
