"""Two digits on one canvas, and further targets of the user's own data."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from ablate import data as data_sets
from ablate.config.data import DataConfig, DigitsPairs
from ablate.data.pairs import pairs
from ablate.data.synthetic import digits
from ablate.errors import ConfigError, DataError
from ablate.streams import Streams

SMALL = DigitsPairs(name="digits_pairs", train_examples=1500, test_examples=400)


def config(**fields) -> DataConfig:
    return TypeAdapter(DataConfig).validate_python(fields)


def test_each_place_holds_a_digit_of_its_label_and_the_brighter_pixel_wins() -> None:
    (train, test), labels = pairs(SMALL, digits())
    for (x, y), second, (single, of) in zip((train, test), labels, digits(), strict=True):
        assert x.shape[1:] == (1, 12, 12)
        assert x.dtype == np.uint8
        of_class = [single[of == k, 0] for k in range(10)]
        for image, above, below in zip(x[:4, 0], y, second, strict=False):
            # What the second digit covers is known beside the overlap: its right and lower border.
            candidates = [
                (one, other)
                for one in of_class[above]
                if (one[:4] == image[:4, :8]).all() and (one[:, :4] == image[:8, :4]).all()
                for other in of_class[below]
                if (other[4:] == image[8:, 4:]).all() and (other[:, 4:] == image[4:, 8:]).all()
            ]
            canvases = []
            for one, other in candidates:
                canvas = np.zeros((2, 12, 12), dtype=np.uint8)
                canvas[0, :8, :8], canvas[1, 4:, 4:] = one, other
                canvases.append(canvas.max(axis=0))
            assert any((canvas == image).all() for canvas in canvases)


def test_the_pairs_are_the_same_everywhere() -> None:
    (train, test), labels = pairs(SMALL, digits())
    text = b"".join(np.ascontiguousarray(array).tobytes() for array in (*train, *test, *labels))
    # If this changes, raise the version in ablate.data.description.
    assert hashlib.sha256(text).hexdigest()[:16] == "54a560f368e1ce1f"


def test_more_pairs_only_append_and_each_digit_comes_once_a_round() -> None:
    few = SMALL.model_copy(update={"train_examples": 700})
    (small, _), _ = pairs(few, digits())
    (large, _), (second, _) = pairs(SMALL, digits())
    np.testing.assert_array_equal(large[0][:700], small[0])
    labels = digits()[0][1]
    for own in (large[1][:1437], second[:1437]):
        np.testing.assert_array_equal(np.bincount(own), np.bincount(labels))


def test_the_two_labels_tell_nothing_of_each_other() -> None:
    """Of 20,000 pairs: the chi-squared of independence has mean 81, standard deviation 12.7."""
    many = SMALL.model_copy(update={"train_examples": 20_000})
    ((_, first), _), (second, _) = pairs(many, digits())
    counts = np.zeros((10, 10))
    np.add.at(counts, (first, second), 1)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    assert 81 - 5 * 12.7 < ((counts - expected) ** 2 / expected).sum() < 81 + 5 * 12.7


def test_what_is_declared_of_pairs(tmp_path: Path) -> None:
    loaded = data_sets.load(SMALL, tmp_path)
    assert data_sets.inputs_of(SMALL) == tuple(loaded.train[0].shape[1:])
    assert data_sets.examples_of(SMALL) == (len(loaded.train[1]), len(loaded.test[1]))
    assert data_sets.others_of(SMALL) == {"second": ("classification", 10)}
    assert len(loaded.others["second"].train) == len(loaded.train[1])
    whole = config(name="mnist_pairs")
    assert data_sets.inputs_of(whole) == (1, 36, 36)
    assert data_sets.digest(whole) != data_sets.digest(config(name="mnist"))
    fewer = config(name="mnist_pairs", train_examples=9)
    assert data_sets.digest(fewer) != data_sets.digest(whole)
    x, y = data_sets.load_test_set(SMALL, tmp_path)
    np.testing.assert_array_equal(x, loaded.test[0].numpy())
    np.testing.assert_array_equal(y, loaded.test[1].numpy())


def test_pairs_are_there_where_their_digits_are(tiny_root: Path, tmp_path: Path) -> None:
    made = config(name="mnist_pairs", train_examples=30, test_examples=6, validation_size=5)
    data_sets.check_available(made, tiny_root)
    with pytest.raises(DataError, match="^data set mnist is not in"):
        data_sets.check_available(made, tmp_path / "elsewhere")


def test_a_smaller_test_set_keeps_further_targets_beside_their_examples(tmp_path: Path) -> None:
    whole = data_sets.load(SMALL, tmp_path)
    part = data_sets.load(SMALL.model_copy(update={"test_size": 50}), tmp_path)
    assert len(part.test[1]) == len(part.others["second"].test) == 50
    rows = {image.numpy().tobytes(): n for n, image in enumerate(whole.test[0])}
    found = [rows[image.numpy().tobytes()] for image in part.test[0]]
    assert torch.equal(whole.others["second"].test[found], part.others["second"].test)


def own(**arguments) -> DataConfig:
    return config(_target_="mylab.data.shapes", **arguments)


@pytest.mark.parametrize("how", ["well", "held out"])
def test_further_targets_of_the_users_own(how: str, tmp_path: Path) -> None:
    loaded = data_sets.load(own(how=how, test_size=30, at_most=100), tmp_path)
    assert data_sets.others_of(own(how=how)) == {
        "radius": ("regression", 1), "place": ("multilabel", 2), "ring": ("classification", 3),
    }  # fmt: skip
    for part in ("train", "test"):
        x, y = getattr(loaded, part)
        radius, place, ring = (getattr(other, part) for other in loaded.others.values())
        assert radius.shape == (len(x), 1)
        torch.testing.assert_close(radius[:, 0], x.norm(dim=1))
        assert torch.equal(place, (x > 0).float())
        assert torch.equal(ring, y)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("short", r"others\['radius'\]: test is float32 \(79,\); it must have 80 rows"),
        ("two", r"others\['place'\]: train: y is uint8 \(160, 2\); for task='multilabel' it must be"),
        ("astray", r"others\['ring'\]: its labels go from 0 to 7, but train has no example"),
        ("no tensor", r"others\['radius'\]: train must be a dense tensor on the CPU"),
        ("unknown", r"others\['radius'\]: task is 'ranking'; allowed are classification"),
        ("named", r"others\['far out'\]: the name must be letters, digits and _"),
        ("a pair", r"others\['radius'\] is a tuple; it must be ablate.Other"),
        ("a list", "others is a list; it must be a mapping of names"),
    ],
)  # fmt: skip
def test_further_targets_that_cannot_be_meant(how: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^data=mylab.data.shapes: {sentence}"):
        data_sets.load(own(how=how), tmp_path)


def test_labelled_examples_are_the_first_of_those_trained_on(tmp_path: Path) -> None:
    loaded = data_sets.load(config(name="digits"), tmp_path)
    streams = Streams(0, 3)
    few = data_sets.split(loaded, config(name="digits", labelled=70, train_size=500), streams)
    small = data_sets.split(loaded, config(name="digits", train_size=70), streams)
    assert torch.equal(few.labelled, small.train)
    assert torch.equal(few.train[:70], few.labelled)
    assert len(few.train) == 500
    assert torch.equal(few.validation, small.validation)
    assert torch.equal(small.labelled, small.train)


def test_more_labels_than_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^data.labelled is 501; digits has 500 to train on"):
        data_sets.check_sizes(config(name="digits", train_size=500, labelled=501))
