"""What a data config says about its examples.

Nothing is read, so it answers at once; only data of the user's own has to be loaded first.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from ablate.config.data import (
    DataConfig,
    Diabetes,
    Digits,
    DigitsPairs,
    DownloadedData,
    Friedman,
    Grammar,
    MnistPairs,
    Synthetic,
    UnequalScales,
    UserData,
)
from ablate.data.pairs import SECOND, SHIFTS
from ablate.data.sources import SOURCES, Description
from ablate.errors import ConfigError

# Raised by hand when the code that makes these examples changes them.
_DIGITS_VERSION = "digits 1"
_SYNTHETIC_VERSION = "synthetic 1"
_DIABETES_VERSION = "diabetes 1"
_FRIEDMAN_VERSION = "friedman 1"
_UNEQUAL_SCALES_VERSION = "unequal scales 1"
_GRAMMAR_VERSION = "grammar 1"
_PAIRS_VERSION = "pairs 1"
_DIGITS = Description(
    (1, 8, 8),
    10,
    1437,
    360,
    counts=(
        (142, 146, 141, 147, 144, 146, 145, 143, 139, 144),
        (36, 36, 36, 36, 37, 36, 36, 36, 35, 36),
    ),
)


def digest(config: DataConfig) -> str:
    """Return the declared SHA-256 of a data set (64 hexadecimal digits); reads no file.

    Published sets: over the sorted digests of their files. Digits and synthetic data: over a
    version and the fields that define the examples (the seed of synthetic data is a field of
    the run). Data of the user's own: over the function's path and its arguments; its source
    has a digest of its own in the run's key. Sizes of training, validation and test set do not
    enter.
    """
    match config:
        case Digits():
            text = _DIGITS_VERSION
        case Diabetes():
            text = _DIABETES_VERSION
        case Friedman():
            fields = {"train_examples", "test_examples", "features", "noise"}
            values = config.model_dump(mode="json", include=fields)
            text = _FRIEDMAN_VERSION + json.dumps(values, sort_keys=True)
        case UnequalScales():
            values = config.model_dump(include={"train_examples", "test_examples", "noise"})
            text = _UNEQUAL_SCALES_VERSION + json.dumps(values, sort_keys=True)
        case Grammar():
            values = config.model_dump(include={"train_examples", "test_examples", "length"})
            text = _GRAMMAR_VERSION + json.dumps(values, sort_keys=True)
        case Synthetic():
            fields = {"shape", "classes", "train_examples", "test_examples", "separation"}
            values = config.model_dump(mode="json", include=fields)
            text = _SYNTHETIC_VERSION + json.dumps(values, sort_keys=True)
        case MnistPairs() | DigitsPairs():
            values = config.model_dump(mode="json", include={"train_examples", "test_examples"})
            text = _PAIRS_VERSION + digest(digits_of(config)) + json.dumps(values, sort_keys=True)
        case UserData():
            text = json.dumps([config.target, dict(config.arguments)], sort_keys=True)
        case _:
            text = "\n".join(sorted(file.digest for file in SOURCES[config.name].files))
    return hashlib.sha256(text.encode()).hexdigest()


def digits_of(config: MnistPairs | DigitsPairs) -> DownloadedData | Digits:
    """Return the data set of which pairs are made."""
    if isinstance(config, MnistPairs):
        return DownloadedData(name="mnist")
    return Digits(name="digits")


def describe(config: DataConfig) -> Description:
    """Return what a data config is of.

    Raises ConfigError where `data.shape` is no shape, or the set has no such `data.classes`.
    """
    there = describe_whole(config)
    chosen = config.classes if isinstance(config, Digits | DownloadedData) else None
    if chosen is None:
        return there
    if max(chosen) >= there.outputs:
        raise ConfigError(
            f"data.classes={list(chosen)} has {max(chosen)}; the classes of {config.name} are 0 to "
            f"{there.outputs - 1}"
        )
    train, test = (tuple(of_part[label] for label in chosen) for of_part in there.counts)
    return replace(
        there, outputs=len(chosen), train=sum(train), test=sum(test), counts=(train, test)
    )


def describe_whole(config: DataConfig) -> Description:
    """Return what a data set has whatever `data.classes` keeps of it; raises as `describe`."""
    match config:
        case UserData():
            from ablate.data.user_data import load_user_data, outputs_for

            data = load_user_data(config)
            shape, brings = tuple(data.train[0].shape[1:]), data.validation is not None
            sizes = len(data.train[1]), len(data.test[1])
            others = {n: (other.task, outputs_for(other)) for n, other in data.others.items()}
            return Description(
                shape, outputs_for(data), *sizes, brings, data.task, data.vocabulary, others
            )
        case Digits():
            return _DIGITS
        case Diabetes():
            return Description((10,), 1, 354, 88, task="regression")
        case Friedman():
            sizes = config.train_examples, config.test_examples
            return Description((config.features,), 1, *sizes, task="regression")
        case UnequalScales():
            return Description(
                (2,), 1, config.train_examples, config.test_examples, task="regression"
            )
        case Grammar():
            from ablate.data.grammar import characters

            sizes, count = (config.train_examples, config.test_examples), len(characters())
            shape = (config.length,)
            return Description(shape, count, *sizes, task="next_token", vocabulary=count)
        case Synthetic(shape=shape, classes=classes):
            if len(shape) not in (1, 3):
                raise ConfigError(
                    f"data.shape is {list(shape)}; allowed are [features] or "
                    "[channels, height, width]"
                )
            return Description(shape, classes, config.train_examples, config.test_examples)
        case MnistPairs() | DigitsPairs():
            there = describe(digits_of(config))
            side, sizes = (
                there.inputs[-1] + SHIFTS[config.name],
                (config.train_examples, config.test_examples),
            )
            others = {SECOND: ("classification", there.outputs)}
            return Description((1, side, side), there.outputs, *sizes, others=others)
    return SOURCES[config.name].there


def inputs_of(config: DataConfig) -> tuple[int, ...]:
    """Return the shape of one example: (channels, height, width) or (features,)."""
    return describe(config).inputs


def outputs_of(config: DataConfig) -> int:
    """Return how many outputs a network needs: classes, targets, labels or tokens."""
    return describe(config).outputs


def others_of(config: DataConfig) -> Mapping[str, tuple[str, int]]:
    """Return the task of each further target, and how many outputs a head for it needs."""
    return describe(config).others


def task_of(config: DataConfig) -> str:
    """Return what the data is for, as `task.name` has it."""
    return describe(config).task


def examples_of(config: DataConfig) -> tuple[int, int]:
    """Return how many training (validation included) and test examples there are in all."""
    return describe(config).train, describe(config).test


def notes_of(config: DataConfig) -> list[str]:
    """Return what should be known of the data before it is trained on, a sentence each."""
    if not isinstance(config, UserData):
        return []
    from ablate.data.user_data import notes

    return notes(config)


def check_sizes(config: DataConfig) -> None:
    """Raise ConfigError where training, validation or test size exceed what there is."""
    there = describe(config)
    check_test_size(config, there.test)
    split_sizes(config, there.train, not there.has_validation)


def check_test_size(config: DataConfig, examples: int) -> None:
    """Raise ConfigError where `data.test_size` exceeds the `examples` of the test set."""
    size, there = config.test_size or 0, f"{examples} test examples"
    _check_at_most(config, "test_size", size, examples, there)


def split_sizes(config: DataConfig, examples: int, hold_out: bool = True) -> tuple[int, int]:
    """Return the sizes (train, validation) into which `examples` training examples split.

    `hold_out` false: the set has a validation set of its own, and all examples train.
    Raises ConfigError where they do not fit.
    """
    size = config.validation_size
    validation = (max(1, examples // 10) if size is None else size) if hold_out else 0
    there, left = f"{examples} training examples", examples - validation
    _check_at_most(config, "validation_size", validation, examples - 1, there)
    train = config.train_size or left
    less = f" less data.validation_size={validation}" if hold_out else ""
    _check_at_most(config, "train_size", train, left, there + less)
    _check_at_most(config, "labelled", config.labelled or 0, train, f"{train} to train on")
    return train, validation


def labelled_size(config: DataConfig, train: int) -> int:
    """Return how many of so many training examples the task is trained on."""
    return config.labelled or train


def _check_at_most(config: DataConfig, key: str, size: int, most: int, there: str) -> None:
    if size > most:
        raise ConfigError(
            f"data.{key} is {size}; {config.name} has {there}, so at most {most} are allowed"
        )
