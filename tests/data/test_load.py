import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablate.config.data import Digits, DownloadedData, Synthetic
from ablate.data import check_available, load, load_test_set
from ablate.data.folders import find
from ablate.data.sources import Source
from ablate.errors import ConfigError, DataError

MNIST = DownloadedData(name="mnist", validation_size=2)


def test_published_files_become_tensors(tiny_root: Path) -> None:
    data = load(MNIST, tiny_root)
    x, y = data.train
    assert (x.shape, x.dtype) == ((12, 1, 4, 5), torch.uint8)
    assert (y.dtype, y.tolist()) == (torch.int64, [0, 1, 2] * 4)
    assert x.sum() == np.random.default_rng(0).integers(0, 256, (12, 4, 5), dtype=np.uint8).sum()
    assert data.test[0].shape == (6, 1, 4, 5)
    assert data.validation is None
    assert data.classes == 3


def test_a_decoded_set_needs_its_files_no_more(tiny: Source, tiny_root: Path) -> None:
    before = load(MNIST, tiny_root)
    for file in tiny.files:
        (tiny_root / "data" / "mnist" / file.name).unlink()
    check_available(MNIST, tiny_root)
    assert torch.equal(load(MNIST, tiny_root).train[0], before.train[0])


def test_the_named_folder_comes_first(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "named"
    (tiny_root / "data").rename(named)
    monkeypatch.setenv("ABLATE_DATA_DIR", str(named))
    check_available(MNIST, tiny_root)
    assert len(load(MNIST, tiny_root).train[1]) == 12
    # Nothing is written beside files that may be anyone's.
    assert [path.name for path in named.iterdir()] == ["mnist"]
    assert len(list((tiny_root / "data" / "cache").iterdir())) == 1


def test_a_set_missing_from_the_named_folder_is_found_below_the_root(
    tiny: Source, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("ABLATE_DATA_DIR", str(tmp_path / "named"))
    assert find(tiny, tiny_root) == tiny_root / "data" / "mnist"


def test_a_missing_set_is_named_with_where_it_was_looked_for(
    tiny: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATE_DATA_DIR", str(tmp_path / "named"))
    expected = (
        f"data set mnist is not in {tmp_path}/named/mnist or {tmp_path}/data/mnist and cannot be "
        "fetched (); run 'ablate data mnist' or set ABLATE_DATA_DIR to a folder that holds "
        "mnist/train-images.gz"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):  # tiny has no mirror
        check_available(MNIST, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_missing_file_is_a_missing_set(tiny: Source, tiny_root: Path) -> None:
    (tiny_root / "data" / "mnist" / tiny.test[1].name).unlink()
    with pytest.raises(DataError, match="data set mnist is not in"):
        check_available(MNIST, tiny_root)


@pytest.mark.parametrize("act", [check_available, load], ids=["check_available", "load"])
def test_a_damaged_file_is_named(tiny: Source, tiny_root: Path, act: Any) -> None:
    path = tiny_root / "data" / "mnist" / tiny.test[0].name
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(DataError, match=r"mnist/test-images\.gz is not the published file"):
        act(MNIST, tiny_root)
    assert not (tiny_root / "data" / "cache").exists()


def test_a_forbidden_folder(tiny: Source, tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = os.stat

    def forbid(path: Any, **options: Any) -> os.stat_result:
        if "train-images" in str(path):
            raise PermissionError(13, "Permission denied")
        return ask(path, **options)

    monkeypatch.setattr(os, "stat", forbid)
    with pytest.raises(DataError, match=r"cannot be read: permission denied; allow reading"):
        check_available(MNIST, tiny_root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permissions(tiny_root: Path) -> None:
    folder = tiny_root / "data" / "mnist"
    folder.chmod(0)
    try:
        with pytest.raises(DataError, match="cannot be read: permission denied"):
            check_available(MNIST, tiny_root)
    finally:
        folder.chmod(stat.S_IRWXU)


def test_digits_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Digits(name="digits")
    check_available(config, tmp_path)
    first = load(config, tmp_path)
    monkeypatch.setattr("sklearn.datasets.load_digits", None)
    second = load(config, tmp_path, seed=1)
    assert torch.equal(first.train[0], second.train[0])
    assert (len(first.train[1]), len(first.test[1]), first.classes) == (1437, 360, 10)


def test_synthetic_data_touch_no_disk(tmp_path: Path) -> None:
    config = Synthetic(name="synthetic", classes=4, shape=(2, 3, 3))
    check_available(config, tmp_path)
    data = load(config, tmp_path, seed=3)
    assert data.train[0].shape == (1000, 2, 3, 3)
    assert data.train[0].dtype == torch.float32
    assert data.classes == 4
    assert torch.equal(load(config, tmp_path, seed=3).train[0], data.train[0])
    assert list(tmp_path.iterdir()) == []


def test_a_smaller_test_set_is_part_of_a_larger_one_and_of_no_seed(tmp_path: Path) -> None:
    def images(size: int | None, seed: int = 0) -> list[tuple[float, ...]]:
        config = Digits(name="digits", test_size=size)
        return [tuple(x) for x in load(config, tmp_path, seed).test[0].flatten(1).tolist()]

    assert len(images(50)) == 50
    assert images(50) == images(50, seed=9)
    assert set(images(50)) < set(images(200)) < set(images(None))
    assert images(360) == images(None)
    assert images(50) != images(None)[:50]  # files may be sorted


def test_the_labels_of_a_smaller_test_set_are_those_of_its_images(tmp_path: Path) -> None:
    def pairs(size: int | None) -> set[tuple[bytes, int]]:
        x, y = load(Digits(name="digits", test_size=size), tmp_path).test
        return {(image.numpy().tobytes(), int(label)) for image, label in zip(x, y, strict=True)}

    assert pairs(100) < pairs(None)


def test_a_test_set_larger_than_there_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.test_size is 361; digits has 360 test examples"):
        load(Digits(name="digits", test_size=361), tmp_path)


@pytest.mark.parametrize("size", [None, 50])
def test_a_test_set_alone_is_that_of_the_whole(tmp_path: Path, size: int | None) -> None:
    config = Digits(name="digits", test_size=size)
    for whole, alone in zip(
        load(config, tmp_path).test, load_test_set(config, tmp_path), strict=True
    ):
        assert whole.numpy().dtype == alone.dtype
        assert np.array_equal(whole.numpy(), alone)


def test_a_test_set_alone_is_of_its_seed(tmp_path: Path) -> None:
    config = Synthetic(name="synthetic")
    (x, _), (alone, _) = load(config, tmp_path, 3).test, load_test_set(config, tmp_path, 3)
    assert np.array_equal(x.numpy(), alone)
    assert not np.array_equal(alone, load_test_set(config, tmp_path, 4)[0])
