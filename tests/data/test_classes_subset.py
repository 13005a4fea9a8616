"""`data.classes`: a task of some of the classes of a data set."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.config.data import Digits, DownloadedData
from ablate.data import SOURCES, check_sizes, examples_of, load, load_test_set, outputs_of
from ablate.data.description import describe
from ablate.data.folders import find
from ablate.errors import ConfigError


def config_of(name: str, **fields: Any) -> Digits | DownloadedData:
    kind = Digits if name == "digits" else DownloadedData
    return kind.model_validate({"name": name, **fields})


@pytest.mark.parametrize("name", ["digits", *SOURCES])
def test_declared_counts_are_those_of_the_files(name: str, tmp_path: Path) -> None:
    if name != "digits" and find(SOURCES[name], tmp_path) is None:
        pytest.skip(f"ABLATE_DATA_DIR names no folder with {name}")
    data = load(config_of(name), tmp_path)
    there = describe(config_of(name))
    parts = (data.train[1], data.test[1])
    assert there.counts == tuple(tuple(y.bincount().tolist()) for y in parts)
    assert tuple(map(sum, there.counts)) == (there.train, there.test)


@pytest.mark.parametrize("name", ["digits", *SOURCES])
def test_counts_add_up(name: str) -> None:
    there = describe(config_of(name))
    assert tuple(map(sum, there.counts)) == (there.train, there.test)
    assert {*map(len, there.counts)} == {there.outputs}


def test_examples_are_those_of_the_classes_numbered_in_the_order_given(tmp_path: Path) -> None:
    whole = load(config_of("digits"), tmp_path)
    config = config_of("digits", classes=[7, 2, 9], validation_size=50)
    some = load(config, tmp_path)
    pairs = (some.train, whole.train), (some.test, whole.test)
    for (x, y), (all_x, all_y) in pairs:
        for number, label in enumerate([7, 2, 9]):
            assert torch.equal(x[y == number], all_x[all_y == label])
        assert y.dtype == torch.int64
        assert len(y) == sum(int((all_y == label).sum()) for label in (7, 2, 9))
    assert some.classes == outputs_of(config) == 3
    assert examples_of(config) == (len(some.train[1]), len(some.test[1]))
    x, y = load_test_set(config, tmp_path)
    assert (x == some.test[0].numpy()).all()
    assert (y == some.test[1].numpy()).all()


def test_sizes_are_held_against_what_the_classes_leave() -> None:
    with pytest.raises(ConfigError, match="digits has 283 training examples"):
        check_sizes(config_of("digits", classes=[2, 0], validation_size=283))


@pytest.mark.parametrize(
    ("name", "classes", "sentence"),
    [
        ("digits", [0, 10], r"data.classes=\[0, 10\] has 10; the classes of digits are 0 to 9"),
        ("cifar100", [0, 100], "cifar100 are 0 to 99"),
    ],
)
def test_a_class_that_is_not_there_is_refused(name: str, classes: list, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_sizes(config_of(name, classes=classes))


@pytest.mark.parametrize("classes", [[], [3], [1, 1], [-1, 2]])
def test_a_list_that_is_no_choice_is_refused(classes: list) -> None:
    with pytest.raises(ValueError, match="classes"):
        config_of("digits", classes=classes)
