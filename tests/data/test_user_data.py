"""Data of the user's own: taken as it is, or refused in one sentence."""

from pathlib import Path

import pytest
import torch

from ablate import data
from ablate.config.data import UserData
from ablate.data.description import split_sizes
from ablate.errors import ConfigError
from ablate.streams import Streams


def config(name: str = "rings", **fields: object) -> UserData:
    return UserData.model_validate({"_target_": f"mylab.data.{name}", **fields})


def test_it_is_loaded_split_and_described(tmp_path: Path) -> None:
    own = config(train_size=100, test_size=50)
    loaded = data.load(own, tmp_path)
    assert data.inputs_of(own) == (2,)
    assert data.outputs_of(own) == 3  # from the labels
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
        ("short_labels", {}, "train: y is int64 (159,); it must have 160 rows, as x has"),
        ("too_many_labels", {}, "its labels go from 0 to 2; they must lie from 0 to 1"),
        ("other_test_shape", {}, "test: its examples are (1,) and those of train (2,)"),
        ("not_finite", {}, "train: x has missing values (NaN) in column 1, in 1 of 160 examples"),
        ("a_pair", {}, "returned a tuple; it must return ablate.Data("),
        ("untested", {}, "test must be a pair (x, y) of tensors"),
        ("odd", {"how": "from 1"}, "labels go from 1 to 3, but train has no example of class 0; "),
        (
            "odd",
            {"how": "from 1"},
            "unless ablate.Data(..., classes=4) says that there are so many",
        ),
        (
            "odd",
            {"how": "one astray"},
            "go from 0 to 200, but train has no example of class 3, 4, 5 and 195 more",
        ),
        ("odd", {"how": "only in test"}, "train has no example of class 2; "),
        ("odd", {"how": "one class"}, "all its labels are 0; there must be two classes or more"),
        ("odd", {"classes": 3.0}, "classes is 3.0; it must be a whole number from 2 on"),
        ("odd", {"classes": True}, "classes is True; it must be a whole number from 2 on"),
        ("odd", {"classes": 1}, "classes is 1; it must be a whole number from 2 on"),
        ("odd", {"classes": -3}, "classes is -3; it must be a whole number from 2 on"),
        (
            "odd",
            {"how": "bool labels"},
            "train: y is bool (6,); for task='classification' it must be int64 (6,)",
        ),
        (
            "odd",
            {"how": "sparse"},
            "train: x is sparse_coo, on cpu; it must be a dense tensor on the CPU",
        ),
        ("odd", {"how": "complex"}, "train: x is complex64 (6, 2); it must be uint8 or float32"),
        ("odd", {"how": "elsewhere"}, "train: x is strided, on meta; it must be a dense tensor"),
        ("odd", {"how": "two types"}, "test: x is uint8 (6, 2) and that of train float32 (6, 2)"),
        ("raises", {}, "data=mylab.data.raises: ValueError: column 'intensity' is missing."),
        (
            "opens_nothing",
            {},
            "data=mylab.data.opens_nothing: FileNotFoundError: [Errno 2] No such",
        ),
        ("leaves", {}, "data=mylab.data.leaves: SystemExit: 3."),
        ("rings", {"test_size": 100}, "has 80 test examples, so at most 80 are allowed"),
        ("rings", {"train_size": 160}, "so at most 144 are allowed"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, fields: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        data.check_sizes(config(name, **fields))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["a gradient", "a subclass", "a parameter", "turned"])
def test_what_is_a_tensor_all_the_same_is_taken_as_a_plain_one(how: str, tmp_path: Path) -> None:
    (x, _), (plain, _) = (data.load(config("odd", how=h), tmp_path).train for h in (how, "well"))
    assert type(x) is torch.Tensor
    assert not x.requires_grad
    assert x.is_contiguous()
    assert torch.equal(x, plain)
    assert data.outputs_of(config("odd", how=how)) == 3


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        ({}, []),
        ({"how": "from 1", "classes": 4}, ["train has no example of class 0, which no network"]),
        ({"how": "one class", "classes": 2},
         ["train has no example of class 1, which", "all examples of test are of class 0"]),
        ({"how": "one class in test"}, ["all examples of test are of class 2"]),
        ({"how": "the same"}, ["test has examples that train has: they lie in the same memory"]),
    ],
)  # fmt: skip
def test_what_is_allowed_and_odd_is_told(fields: dict, sentences: list[str]) -> None:
    told = data.notes_of(config("odd", **fields))
    assert len(told) == len(sentences)
    assert all(part in note for part, note in zip(sentences, told, strict=True))


def test_validation_has_an_example_however_few_there_are() -> None:
    """A tenth of six is none, and scores of none are no numbers."""
    assert split_sizes(config("odd"), 6) == (5, 1)
