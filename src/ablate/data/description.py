"""What a data config says about its examples.

Nothing is read, so it answers at once; only data of the user's own has to be loaded first.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ablate.config.data import DataConfig, Digits, Synthetic, UserData
from ablate.data.sources import SOURCES
from ablate.data.synthetic import DIGITS_TEST_EXAMPLES, DIGITS_TRAIN_EXAMPLES
from ablate.errors import ConfigError

if TYPE_CHECKING:
    from ablate.data.dataset import Data

# Raised by hand when the code that makes these examples changes them.
_DIGITS_VERSION = "digits 1"
_SYNTHETIC_VERSION = "synthetic 1"


def digest(config: DataConfig) -> str:
    """Return the declared SHA-256 of a data set (64 hexadecimal digits); reads no file.

    Published sets: over the sorted digests of their files. Digits and synthetic data: over a
    version and the fields that define the examples (the seed of synthetic data is a field of
    the run). Data of the user's own: over the function's path and its arguments; its source
    has a digest of its own in the run's key. Sizes of training, validation and test set do not
    enter.
    """
    if isinstance(config, Digits):
        text = _DIGITS_VERSION
    elif isinstance(config, Synthetic):
        fields = {"shape", "classes", "train_examples", "test_examples", "separation"}
        values = config.model_dump(mode="json", include=fields)
        text = _SYNTHETIC_VERSION + json.dumps(values, sort_keys=True)
    elif isinstance(config, UserData):
        text = json.dumps([config.target, dict(config.arguments)], sort_keys=True)
    else:
        text = "\n".join(sorted(file.digest for file in SOURCES[config.name].files))
    return hashlib.sha256(text.encode()).hexdigest()


def inputs_of(config: DataConfig) -> tuple[int, ...]:
    """Return the shape of one example: (channels, height, width) or (features,).

    Raises ConfigError where `data.shape` is neither.
    """
    if isinstance(config, UserData):
        return tuple(_own(config).train[0].shape[1:])
    if isinstance(config, Digits):
        return (1, 8, 8)
    if isinstance(config, Synthetic):
        if len(config.shape) not in (1, 3):
            raise ConfigError(
                f"data.shape is {list(config.shape)}; allowed are [features] or "
                "[channels, height, width]"
            )
        return config.shape
    return SOURCES[config.name].inputs


def classes_of(config: DataConfig) -> int:
    """Return the number of classes."""
    if isinstance(config, UserData):
        return _own(config).classes
    if isinstance(config, Digits):
        return 10
    return config.classes if isinstance(config, Synthetic) else SOURCES[config.name].classes


def examples_of(config: DataConfig) -> tuple[int, int]:
    """Return how many training (validation included) and test examples there are in all."""
    if isinstance(config, UserData):
        own = _own(config)
        return len(own.train[1]), len(own.test[1])
    if isinstance(config, Digits):
        return DIGITS_TRAIN_EXAMPLES, DIGITS_TEST_EXAMPLES
    if isinstance(config, Synthetic):
        return config.train_examples, config.test_examples
    source = SOURCES[config.name]
    return source.train_examples, source.test_examples


def check_sizes(config: DataConfig) -> None:
    """Raise ConfigError where training, validation or test size exceed what there is."""
    train, test = examples_of(config)
    check_test_size(config, test)
    split_sizes(config, train, not has_validation(config))


def has_validation(config: DataConfig) -> bool:
    """Tell whether the data set brings a validation set of its own."""
    return isinstance(config, UserData) and _own(config).validation is not None


def check_test_size(config: DataConfig, examples: int) -> None:
    """Raise ConfigError where `data.test_size` exceeds the `examples` of the test set."""
    if config.test_size is not None and config.test_size > examples:
        raise ConfigError(
            f"data.test_size is {config.test_size}; {config.name} has {examples} test examples, "
            f"so at most {examples} are allowed"
        )


def split_sizes(config: DataConfig, examples: int, hold_out: bool = True) -> tuple[int, int]:
    """Return the sizes (train, validation) into which `examples` training examples split.

    `hold_out` false: the set has a validation set of its own, and all examples train.
    Raises ConfigError where they do not fit.
    """
    size = config.validation_size
    validation = (examples // 10 if size is None else size) if hold_out else 0
    if validation >= examples:
        raise ConfigError(
            f"data.validation_size is {validation}; {config.name} has {examples} training "
            f"examples, so at most {examples - 1} are allowed"
        )
    left = examples - validation
    train = left if config.train_size is None else config.train_size
    if train > left:
        less = f" less data.validation_size={validation}" if hold_out else ""
        raise ConfigError(
            f"data.train_size is {train}; {config.name} has {examples} training examples{less}, "
            f"so at most {left} are allowed"
        )
    return train, validation


def _own(config: UserData) -> Data:
    from ablate.data.user_data import load_user_data

    return load_user_data(config)
