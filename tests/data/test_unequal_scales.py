import hashlib
from typing import Any

import numpy as np
import pytest

from ablate.config.data import UnequalScales
from ablate.data import check_sizes, describe, digest
from ablate.data.synthetic import unequal_scales


def config(**fields: Any) -> UnequalScales:
    return UnequalScales(name="unequal_scales", **fields)


def test_features_lie_where_the_lecture_has_them_and_matter_alike() -> None:
    (x, y), (test_x, test_y) = unequal_scales(config(train_examples=5000), seed=0)
    assert (x.dtype, x.shape, y.dtype, y.shape) == (np.float32, (5000, 2), np.float32, (5000, 1))
    assert (test_x.shape, test_y.shape) == ((2000, 2), (2000, 1))
    assert 1000 <= x[:, 0].min() < 1001 < 1999 < x[:, 0].max() <= 2000
    assert 0.1 <= x[:, 1].min() < 0.1001 < 0.1999 < x[:, 1].max() <= 0.2
    z = (x.astype(float) - [1500, 0.15]) / (np.array([1000, 0.1]) / np.sqrt(12))
    weights, *_ = np.linalg.lstsq(z, y[:, 0], rcond=None)
    # Noise of 0.1 on 5,000 examples: a standard error of 0.0014.
    assert weights == pytest.approx([1, 1], abs=0.006)
    assert np.std(y[:, 0] - z.sum(axis=1)) == pytest.approx(0.1, rel=0.05)


def test_the_best_possible_r2_is_what_the_study_says() -> None:
    (x, y), _ = unequal_scales(config(train_examples=200_000), seed=0)
    z = (x.astype(float) - [1500, 0.15]) / (np.array([1000, 0.1]) / np.sqrt(12))
    r2 = 1 - np.var(y[:, 0] - z.sum(axis=1)) / np.var(y[:, 0])
    assert r2 == pytest.approx(2 / 2.01, abs=2e-4)
    assert f"{r2:.3f}" == "0.995"


def test_noise_and_sizes_move_nothing_else() -> None:
    (x, y), _ = unequal_scales(config(noise=0), seed=3)
    (more_x, more_y), _ = unequal_scales(config(noise=1, train_examples=2000), seed=3)
    assert np.array_equal(more_x[:1000], x)
    assert not np.array_equal(more_y[:1000], y)
    assert not np.array_equal(unequal_scales(config(), seed=4)[0][0], x)


def test_the_examples_are_the_same_everywhere() -> None:
    parts = [array for part in unequal_scales(config(), seed=0) for array in part]
    text = b"".join(np.ascontiguousarray(array).tobytes() for array in parts)
    # If this changes, raise the version in ablate.data.description.
    assert hashlib.sha256(text).hexdigest()[:16] == "73c4d16a436136ce"


def test_what_is_declared() -> None:
    there = describe(config(test_examples=30))
    assert (there.inputs, there.outputs, there.train, there.test) == ((2,), 1, 1000, 30)
    assert there.task == "regression"
    check_sizes(config())
    assert digest(config()) == digest(config(train_size=5))
    others = [config(noise=0.2), config(train_examples=900), config(test_examples=90)]
    assert len({digest(config()), *map(digest, others)}) == 4
    with pytest.raises(ValueError, match=r"are 2\d{10} numbers; at most 10000000000 are drawn"):
        config(train_examples=10**10)
