"""Data of the user's own: taken as it is, or refused in one sentence."""

from pathlib import Path

import pytest
import torch

from ablate import data
from ablate.config.data import UserData
from ablate.errors import ConfigError
from ablate.streams import Streams


def config(name: str = "rings", **fields: object) -> UserData:
    return UserData.model_validate({"_target_": f"mylab.data.{name}", **fields})


def test_it_is_loaded_split_and_described(tmp_path: Path) -> None:
    own = config(train_size=100, test_size=50)
    loaded = data.load(own, tmp_path)
    assert data.inputs_of(own) == (2,)
    assert data.classes_of(own) == 3  # from the labels
    assert data.examples_of(own) == (160, 80)
    assert len(loaded.test[1]) == 50
    part = data.split(loaded, own, Streams(0, 1))
    assert (len(part.train), len(part.validation)) == (100, 16)  # a tenth validates
    assert not set(part.train.tolist()) & set(part.validation.tolist())


def test_a_validation_set_of_its_own_is_kept(tmp_path: Path) -> None:
    own = config(held_out=True)
    part = data.split(data.load(own, tmp_path), own, Streams(0, 0))
    assert part.validation is None
    assert len(part.train) == 160


def test_at_most_keeps_the_same_examples_every_time(tmp_path: Path) -> None:
    some, again = (data.load(config(at_most=50), tmp_path) for _ in range(2))
    assert [len(pair[1]) for pair in (some.train, some.test)] == [50, 50]
    assert torch.equal(some.train[0], again.train[0])


def test_arguments_are_in_the_digest_and_sizes_are_not() -> None:
    assert data.digest(config(noise=0.1)) != data.digest(config(noise=0.2))
    assert data.digest(config(test_size=5)) == data.digest(config())


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("doubles", {}, "train: x is float64 (160, 2); it must be uint8 or float32"),
        ("short_labels", {}, "train: y is int64 (159,); it must be int64 (160,), as x is"),
        ("too_many_labels", {}, "its labels go from 0 to 2; they must lie from 0 to 1"),
        ("other_test_shape", {}, "test: its examples are (1,) and those of train (2,)"),
        ("not_finite", {}, "train: x has values that are not finite"),
        ("a_pair", {}, "returned a tuple; it must return ablate.Data("),
        ("rings", {"test_size": 100}, "has 80 test examples, so at most 80 are allowed"),
        ("rings", {"train_size": 160}, "so at most 144 are allowed"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, fields: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        data.check_sizes(config(name, **fields))
    assert sentence in str(caught.value)
