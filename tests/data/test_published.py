"""The published files themselves, where this machine has them."""

import os
from pathlib import Path

import pytest
import torch

from ablate.config.data import DownloadedData
from ablate.data import Data, channel_statistics, check_available, load
from ablate.data.sources import SOURCES


def load_or_skip(name: str, root: Path) -> Data:
    folder = os.environ.get("ABLATE_DATA_DIR")
    if not folder or not all((Path(folder) / name / f.name).is_file() for f in SOURCES[name].files):
        pytest.skip(f"ABLATE_DATA_DIR names no folder with {name}")
    config = DownloadedData(name=name)  # type: ignore[arg-type]
    check_available(config, root)
    return load(config, root)


def test_mnist(tmp_path: Path) -> None:
    data = load_or_skip("mnist", tmp_path)
    assert data.train[0].shape == (60_000, 1, 28, 28)
    assert data.test[0].shape == (10_000, 1, 28, 28)
    assert (data.test[1] == 0).sum() == 980
    assert data.train[1][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    mean, std = channel_statistics(data.train[0])
    # The well-known values, to the four digits that are always printed.
    assert mean.item() == pytest.approx(0.1307, abs=5e-5)
    assert std.item() == pytest.approx(0.3081, abs=5e-5)


def test_cifar10(tmp_path: Path) -> None:
    data = load_or_skip("cifar10", tmp_path)
    assert data.train[0].shape == (50_000, 3, 32, 32)
    assert data.train[1].bincount().tolist() == [5000] * 10
    assert data.test[1].bincount().tolist() == [1000] * 10
    assert data.train[1][:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    mean, std = channel_statistics(data.train[0])
    torch.testing.assert_close(
        mean.flatten(), torch.tensor([0.4914, 0.4822, 0.4465]), atol=5e-5, rtol=0
    )
    torch.testing.assert_close(
        std.flatten(), torch.tensor([0.2470, 0.2435, 0.2616]), atol=5e-5, rtol=0
    )
