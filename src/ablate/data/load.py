"""Load a data set as tensors, and check before a study starts that this will succeed."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from ablate.config.data import (
    DataConfig,
    Digits,
    DigitsPairs,
    DownloadedData,
    Friedman,
    Grammar,
    MnistPairs,
    Shipped,
    Synthetic,
    UnequalScales,
    UserData,
)
from ablate.data.cache import cached, open_entry
from ablate.data.dataset import Data, Other, at_most
from ablate.data.description import (
    check_test_size,
    describe,
    describe_whole,
    digest,
    digits_of,
)
from ablate.data.fetch import fetch_set
from ablate.data.folders import find
from ablate.data.grammar import sentences
from ablate.data.pairs import SECOND, pairs
from ablate.data.readers import Arrays, Examples, read_examples, read_verified
from ablate.data.sources import SOURCES
from ablate.data.synthetic import (
    diabetes,
    digits,
    friedman,
    gaussian_classes,
    unequal_scales,
)
from ablate.data.user_data import load_user_data


def load(config: DataConfig, root: Path, seed: int = 0) -> Data:
    """Return the data set that `config` names, looked for in ABLATE_DATA_DIR and `root/data`.

    Decoded examples are kept below `root/data/cache` and mapped, so that all processes share
    one copy in memory. A published set that is missing is fetched. `seed` matters to
    synthetic data only. With `data.test_size`, the test set is one fixed random part of the
    whole, the same for every seed.

    Raises DataError where a file is missing and cannot be fetched, or is damaged; ConfigError
    where `data.test_size` or `data.shape` do not fit.
    """
    import torch

    there = describe(config)
    check_test_size(config, there.test)
    if isinstance(config, UserData):
        data = load_user_data(config)
    else:
        others = {}
        if isinstance(config, MnistPairs | DigitsPairs):
            examples, labels = pairs(config, _examples(digits_of(config), root, seed))
            train_y, test_y = map(torch.from_numpy, labels)
            others[SECOND] = Other("classification", train_y, test_y, there.outputs)
        else:
            examples = _examples(config, root, seed)
        train, test = ((torch.from_numpy(x), torch.from_numpy(y)) for x, y in examples)
        of_classes = there.task in ("classification", "next_token")
        classes = there.outputs if of_classes else 0
        data = Data(train, None, test, classes, there.task, there.vocabulary, others)
    return at_most(data, config.test_size, "test_size", parts=("test",))


def load_test_set(config: DataConfig, root: Path, seed: int = 0) -> Arrays:
    """Return the test set that `load` returns as arrays: of most sets without torch, a second."""
    if isinstance(config, UserData) or config.test_size is not None:
        x, y = load(config, root, seed).test
        return x.numpy(), y.numpy()
    return _examples(config, root, seed)[1]


def check_available(config: DataConfig, root: Path) -> None:
    """Fetch a missing set, once, before workers would; raise DataError where `load` would fail.

    Cheap: where no decoded copy exists the files are read and verified once, else only
    looked at.
    """
    if isinstance(config, UserData):
        load_user_data(config)
        return
    if isinstance(config, MnistPairs | DigitsPairs):
        config = digits_of(config)
    source = SOURCES.get(config.name)
    if source and open_entry(_entry(config, root), source.there) is None:
        folder = find(source, root) or fetch_set(source, root)
        for file in source.files:
            read_verified(source, folder, file)


def _examples(config: Shipped, root: Path, seed: int) -> Examples:
    if isinstance(config, Synthetic):
        return gaussian_classes(config, seed)
    if isinstance(config, Friedman):
        return friedman(config, seed)
    if isinstance(config, UnequalScales):
        return unequal_scales(config, seed)
    if isinstance(config, MnistPairs | DigitsPairs):
        return pairs(config, _examples(digits_of(config), root, seed))[0]

    def decode() -> Examples:
        source = SOURCES[config.name]
        return read_examples(source, find(source, root) or fetch_set(source, root))

    # Those of scikit-learn as well: importing it takes longer than training on them.
    made = {
        "digits": digits, "diabetes": diabetes, "grammar": lambda: sentences(cast(Grammar, config)),
    }.get(config.name, decode)  # fmt: skip
    whole = cached(_entry(config, root), describe_whole(config), made)
    classes = config.classes if isinstance(config, Digits | DownloadedData) else None
    return whole if classes is None else _of_classes(whole, classes)


def _of_classes(examples: Examples, classes: Sequence[int]) -> Examples:
    """Return the examples of some classes in their order, numbered as `classes` lists them."""
    numbers = np.full(max(*classes, *(int(y.max()) for _, y in examples)) + 1, -1)
    numbers[list(classes)] = range(len(classes))
    (train_x, train_y), (test_x, test_y) = examples
    train, test = numbers[train_y] >= 0, numbers[test_y] >= 0
    return (train_x[train], numbers[train_y[train]]), (test_x[test], numbers[test_y[test]])


def _entry(config: Shipped, root: Path) -> Path:
    # The digest in the name: other files, or another way to decode them, are another entry.
    return root.absolute() / "data" / "cache" / f"{config.name}-{digest(config)[:8]}"
