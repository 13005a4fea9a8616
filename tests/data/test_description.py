import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter

from ablate.config.data import DataConfig
from ablate.data import check_sizes, digest, examples_of, inputs_of, outputs_of
from ablate.errors import ConfigError


def config(name: str, **fields: Any) -> DataConfig:
    adapter: TypeAdapter[DataConfig] = TypeAdapter(DataConfig)
    return adapter.validate_python({"name": name, **fields})


@pytest.mark.parametrize(
    ("name", "inputs", "classes", "examples", "expected"),
    [
        pytest.param("mnist", (1, 28, 28), 10, (60_000, 10_000), "37d7ec4f43e2", id="mnist"),
        pytest.param(
            "fashion_mnist", (1, 28, 28), 10, (60_000, 10_000), "e63fefe5ae5e", id="fashion_mnist"
        ),
        pytest.param("kmnist", (1, 28, 28), 10, (60_000, 10_000), "555e89a41da3", id="kmnist"),
        pytest.param("cifar10", (3, 32, 32), 10, (50_000, 10_000), "f0c5389aebd7", id="cifar10"),
        pytest.param("cifar100", (3, 32, 32), 100, (50_000, 10_000), "e9bfcfb38f09", id="cifar100"),
        pytest.param("digits", (1, 8, 8), 10, (1437, 360), "b6d015f5f9df", id="digits"),
        pytest.param("synthetic", (20,), 10, (1000, 200), "6b7c4063e2b9", id="synthetic"),
    ],
)
def test_what_is_declared(
    name: str, inputs: tuple[int, ...], classes: int, examples: tuple[int, int], expected: str
) -> None:
    # The digest enters the key of every run: if it changes here, all runs become stale.
    assert digest(config(name))[:12] == expected
    assert inputs_of(config(name)) == inputs
    assert outputs_of(config(name)) == classes
    assert examples_of(config(name)) == examples


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"shape": [3, 4, 4]}, id="shape"),
        pytest.param({"classes": 9}, id="classes"),
        pytest.param({"train_examples": 999}, id="train_examples"),
        pytest.param({"test_examples": 199}, id="test_examples"),
        pytest.param({"separation": 0.5}, id="separation"),
    ],
)
def test_other_synthetic_examples_have_another_digest(fields: dict[str, Any]) -> None:
    assert digest(config("synthetic", **fields)) != digest(config("synthetic"))


@pytest.mark.parametrize("name", ["synthetic", "digits", "mnist"])
def test_sizes_are_no_part_of_the_digest(name: str) -> None:
    sizes = {"train_size": 50, "validation_size": 100, "test_size": 10, "normalize": False}
    assert digest(config(name, **sizes)) == digest(config(name))


def test_equal_values_have_equal_digests() -> None:
    one = config("synthetic", separation=1, shape=[20.0])
    assert digest(one) == digest(config("synthetic", separation=1.0, shape=(20,)))


@pytest.mark.parametrize("shape", [[4, 4], [1, 2, 3, 4]], ids=["two", "four"])
def test_a_shape_that_is_neither_features_nor_image(shape: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"data\.shape is \[.*4\]; allowed are \[features\] or"):
        inputs_of(config("synthetic", shape=shape))


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        pytest.param(
            "mnist",
            {"validation_size": 60_000},
            "data.validation_size is 60000; mnist has 60000 training examples, so at most 59999",
            id="validation_takes_all",
        ),
        pytest.param(
            "digits",
            {"train_size": 1201},
            "data.train_size is 1201; digits has 1437 training examples less "
            "data.validation_size=237, so at most 1200 are allowed",
            id="train",
        ),
        pytest.param(
            "synthetic",
            {"test_size": 201},
            "data.test_size is 201; synthetic has 200 test examples, so at most 200 are allowed",
            id="test",
        ),
    ],
)
def test_sizes_that_do_not_fit(name: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        check_sizes(config(name, **fields))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("mnist", {}, id="defaults"),
        pytest.param("mnist", {"validation_size": 59_999, "test_size": 10_000}, id="largest"),
        pytest.param("digits", {"train_size": 1200}, id="all_that_is_left"),
    ],
)
def test_sizes_that_fit(name: str, fields: dict[str, Any]) -> None:
    check_sizes(config(name, **fields))


def test_heavy_libraries_stay_out() -> None:
    code = (
        "import sys, ablate.data as data; from ablate.config.data import Synthetic;"
        "data.digest(Synthetic(name='synthetic')); data.check_sizes(Synthetic(name='synthetic'));"
        "print(sorted({'torch', 'pooch', 'requests', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
