"""Load a data set as tensors, and check before a study starts that this will succeed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablate.config.data import DataConfig, Digits, Shipped, Synthetic, UserData
from ablate.data.cache import cached, open_entry
from ablate.data.dataset import Data
from ablate.data.description import check_test_size, describe, digest
from ablate.data.fetch import fetch
from ablate.data.folders import find, missing
from ablate.data.readers import Arrays, read_examples, read_verified
from ablate.data.sources import SOURCES, Source
from ablate.data.synthetic import digits, gaussian_classes
from ablate.data.user_data import load_user_data
from ablate.streams import Streams


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

    if isinstance(config, UserData):
        data = load_user_data(config)
        check_test_size(config, len(data.test[1]))
        size = config.test_size
        return data if size is None else replace(data, test=_part(data.test, size))
    there = describe(config)
    check_test_size(config, there.test)
    train, test = _examples(config, root, seed)
    if config.test_size is not None:
        test = _part(test, config.test_size)
    return Data(
        train=(torch.from_numpy(train[0]), torch.from_numpy(train[1])),
        validation=None,
        test=(torch.from_numpy(test[0]), torch.from_numpy(test[1])),
        classes=there.classes,
    )


def check_available(config: DataConfig, root: Path, download: bool = False) -> None:
    """Raise DataError where `load` would fail for want of sound, readable files.

    Cheap: where no decoded copy exists the files are read and verified once, else only
    looked at. `download` true: fetch a missing set here, once, before workers would.
    """
    if isinstance(config, UserData):
        load_user_data(config)
        return
    if config.name not in SOURCES:
        return
    source = SOURCES[config.name]
    counts = source.train_examples, source.test_examples
    if open_entry(_entry(config, root), source.inputs, counts) is not None:
        return
    folder = _folder(source, root, download)
    for file in source.files:
        read_verified(source, folder, file)


def _examples(config: Shipped, root: Path, seed: int) -> tuple[Arrays, Arrays]:
    if isinstance(config, Synthetic):
        return gaussian_classes(config, seed)

    def decode() -> tuple[Arrays, Arrays]:
        source = SOURCES[config.name]
        return read_examples(source, _folder(source, root, download=True))

    # Digits as well: importing scikit-learn takes longer than training on them.
    there, made = describe(config), digits if isinstance(config, Digits) else decode
    return cached(_entry(config, root), there.inputs, (there.train, there.test), made)


def _entry(config: Shipped, root: Path) -> Path:
    # The digest in the name: other files, or another way to decode them, are another entry.
    return root.absolute() / "data" / "cache" / f"{config.name}-{digest(config)[:8]}"


def _folder(source: Source, root: Path, download: bool) -> Path:
    folder = find(source, root)
    if folder is None and download:
        fetch([source.name], root)
        folder = find(source, root)
    if folder is None:
        raise missing(source, root)
    return folder


def _part(pair: tuple[Any, Any], size: int) -> tuple[Any, Any]:
    """Return `size` examples in their order, the same for every seed; larger holds smaller."""
    x, y = pair
    order = Streams(seed=0, replicate=0).numpy("data", "test_size").permutation(len(y))
    chosen = np.sort(order[:size])
    return x[chosen], y[chosen]
