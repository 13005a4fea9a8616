import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from ablate.config.data import Synthetic
from ablate.data.synthetic import digits, gaussian_classes


def test_the_digits_are_the_same_everywhere() -> None:
    parts = [array for part in digits() for array in part]
    text = b"".join(np.ascontiguousarray(array).tobytes() for array in parts)
    # If this changes, raise the version in ablate.data.description.
    assert hashlib.sha256(text).hexdigest()[:16] == "7c9c807565fb09cf"


def test_digits_keep_all_information() -> None:
    (train_x, train_y), (test_x, test_y) = digits()
    assert train_x.shape == (1437, 1, 8, 8)
    assert test_x.shape == (360, 1, 8, 8)
    images, labels = load_digits(return_X_y=True)
    restored = np.rint(np.concatenate([train_x, test_x]).reshape(-1, 64) / 255 * 16)
    found = np.column_stack([restored, np.concatenate([train_y, test_y])])
    expected = np.column_stack([images, labels])
    # As multisets of rows: the order differs.
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))


def test_the_digits_test_set_is_stratified() -> None:
    (_, train_y), (_, test_y) = digits()
    of_class = np.bincount(np.concatenate([train_y, test_y]))
    # Every fifth of a class, counted through all classes: within one of a fifth.
    assert np.abs(np.bincount(test_y) - of_class / 5).max() <= 1


CONFIG = Synthetic(name="synthetic")


def test_gaussian_classes_have_the_declared_shapes() -> None:
    config = CONFIG.model_copy(update={"shape": (3, 4, 5), "classes": 7})
    (train_x, train_y), (test_x, test_y) = gaussian_classes(config, seed=0)
    assert (train_x.shape, test_x.shape) == ((1000, 3, 4, 5), (200, 3, 4, 5))
    assert (train_x.dtype, train_y.dtype) == (np.float32, np.int64)
    assert set(np.bincount(train_y)) == {142, 143}
    assert set(np.bincount(test_y)) == {28, 29}


def test_without_separation_only_noise_is_left() -> None:
    config = CONFIG.model_copy(update={"separation": 0.0, "train_examples": 20_000})
    (x, _), _ = gaussian_classes(config, seed=0)
    # 400,000 draws: the mean has standard error 0.0016, the variance 0.0022; 5 of them.
    assert abs(x.mean()) < 0.008
    assert abs(x.var() - 1) < 0.011


def test_separation_scales_the_means() -> None:
    wide = CONFIG.model_copy(update={"separation": 3.0})
    none = CONFIG.model_copy(update={"separation": 0.0})
    one = gaussian_classes(CONFIG, seed=0)[0][0] - gaussian_classes(none, seed=0)[0][0]
    three = gaussian_classes(wide, seed=0)[0][0] - gaussian_classes(none, seed=0)[0][0]
    # The means are seen through the rounding of sums of size up to about 10 in float32.
    np.testing.assert_allclose(three, 3 * one, atol=1e-5)
    labels = gaussian_classes(CONFIG, seed=0)[0][1]
    np.testing.assert_allclose(one[labels == 4], one[4][None].repeat(100, 0), atol=2e-6)


@given(st.integers(0, 2**64 - 1), st.integers(1, 30), st.integers(1, 30))
def test_the_same_seed_gives_the_same_set_and_more_examples_only_append(
    seed: int, fewer: int, more: int
) -> None:
    small = CONFIG.model_copy(update={"train_examples": fewer})
    large = CONFIG.model_copy(update={"train_examples": fewer + more})
    (x, y), (test_x, _) = gaussian_classes(small, seed)
    (larger_x, larger_y), (larger_test_x, _) = gaussian_classes(large, seed)
    np.testing.assert_array_equal(larger_x[:fewer], x)
    np.testing.assert_array_equal(larger_y[:fewer], y)
    np.testing.assert_array_equal(larger_test_x, test_x)


def test_another_seed_gives_another_set_and_the_test_set_is_not_the_training_set() -> None:
    (x, _), (test_x, _) = gaussian_classes(CONFIG, seed=0)
    (other_x, _), _ = gaussian_classes(CONFIG, seed=1)
    rows = [{row.tobytes() for row in part} for part in (x, other_x, test_x)]
    assert len(set.union(*rows)) == 1000 + 1000 + 200


@pytest.mark.parametrize("part", [0, 1], ids=["train", "test"])
def test_separated_classes_can_be_told_apart(part: int) -> None:
    config = CONFIG.model_copy(update={"separation": 3.0})
    sets = gaussian_classes(config, seed=0)
    train_x, train_y = sets[0]
    means = np.stack([train_x[train_y == k].mean(0) for k in range(10)])
    x, y = sets[part]
    nearest = np.square(x[:, None] - means).sum(-1).argmin(-1)
    # Means lie about 3 * sqrt(2 * 20) = 19 standard deviations apart.
    assert (nearest == y).mean() > 0.99
