from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.data import Synthetic
from ablate.data import Data, channel_statistics, load, split, split_statistics
from ablate.errors import ConfigError
from ablate.streams import Streams

CONFIG = Synthetic(name="synthetic", train_examples=60, validation_size=10)
DATA = load(CONFIG, Path())


@given(
    seed=st.integers(0, 2**64 - 1),
    replicate=st.integers(0, 2_000_000),
    validation=st.integers(1, 58),
    data=st.data(),
)
def test_splits_are_disjoint_nested_and_repeatable(
    seed: int, replicate: int, validation: int, data: st.DataObject
) -> None:
    smaller = data.draw(st.integers(1, 59 - validation))
    streams = Streams(seed, replicate)

    def sets(train_size: int | None) -> tuple[list[int], list[int]]:
        changed = {"validation_size": validation, "train_size": train_size}
        found = split(DATA, CONFIG.model_copy(update=changed), streams)
        assert found.validation is not None
        return found.train.tolist(), found.validation.tolist()

    all_train, held_out = sets(None)
    assert sorted(all_train + held_out) == list(range(60))
    assert len(held_out) == validation
    few, same = sets(smaller)
    assert few == all_train[:smaller]
    assert same == held_out
    assert sets(None) == (all_train, held_out)


def test_replicates_and_seeds_have_splits_of_their_own_and_members_share_one() -> None:
    def validation(streams: Streams) -> list[int]:
        found = split(DATA, CONFIG, streams).validation
        assert found is not None
        return found.tolist()

    plain = validation(Streams(0, 0))
    assert validation(Streams(0, 0, member=3)) == plain
    assert validation(Streams(0, 1)) != plain
    assert validation(Streams(1, 0)) != plain


def test_the_indices_are_int64_tensors() -> None:
    found = split(DATA, CONFIG, Streams(0, 0))
    assert found.validation is not None
    assert found.train.dtype == found.validation.dtype == torch.int64
    assert DATA.train[0][found.train].shape == (50, 20)


def test_a_validation_set_of_its_own_is_used_and_nothing_held_out() -> None:
    data = Data(train=DATA.train, validation=DATA.test, test=DATA.test, classes=10)
    found = split(data, CONFIG, Streams(0, 0))
    assert found.validation is None
    assert sorted(found.train.tolist()) == list(range(60))
    few = split(data, CONFIG.model_copy(update={"train_size": 60}), Streams(0, 0))
    assert len(few.train) == 60
    with pytest.raises(
        ConfigError, match=r"train_size is 61; synthetic has 60 training examples, "
    ):
        split(data, CONFIG.model_copy(update={"train_size": 61}), Streams(0, 0))


def test_sizes_are_checked_against_the_data() -> None:
    with pytest.raises(ConfigError, match=r"data\.train_size is 51; .* at most 50 are allowed"):
        split(DATA, CONFIG.model_copy(update={"train_size": 51}), Streams(0, 0))


@pytest.mark.parametrize("shape", [(40, 3, 5, 4), (40, 1, 8, 8), (40, 6)], ids=str)
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32], ids=str)
def test_statistics_are_those_of_the_values(shape: tuple[int, ...], kind: torch.dtype) -> None:
    x = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).to(kind)
    mean, std = channel_statistics(x)
    values = x.double() / 255 if kind == torch.uint8 else x.double()
    axes = tuple(i for i in range(len(shape)) if i != 1)
    # Rounded once, from double to single precision: relative 6e-8.
    rounding = {"rtol": 2e-7, "atol": 0.0}
    assert mean.dtype == std.dtype == torch.float32
    assert mean.shape == std.shape == (shape[1], *[1] * (len(shape) - 2))
    torch.testing.assert_close(mean.flatten().double(), values.mean(axes), **rounding)
    torch.testing.assert_close(std.flatten().double(), values.std(axes, correction=0), **rounding)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_statistics_of_a_part_are_those_of_its_examples(share: float, kind: torch.dtype) -> None:
    """To the last bit, whichever part is counted."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (200, 3, 4, 4), generator=generator).to(kind)
    y = torch.zeros(200, dtype=torch.int64)
    chosen = torch.randperm(200, generator=generator)[: int(200 * share)]
    found = split_statistics(Data((x, y), None, (x, y), 2), chosen)
    for one, other in zip(found, channel_statistics(x[chosen]), strict=True):
        assert torch.equal(one, other)


def test_statistics_of_uint8_do_not_depend_on_the_order() -> None:
    x = torch.randint(0, 256, (501, 3, 7, 7), dtype=torch.uint8)
    shuffled = x[torch.randperm(501)]
    for one, other in zip(channel_statistics(x), channel_statistics(shuffled), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(torch.full((9, 2, 3, 3), 77, dtype=torch.uint8), id="uint8"),
        pytest.param(torch.full((9, 4), 0.1), id="float32"),
    ],
)
def test_a_constant_channel_becomes_zero(x: torch.Tensor) -> None:
    mean, std = channel_statistics(x)
    assert torch.equal(std, torch.ones_like(std))
    values = x / 255 if x.dtype == torch.uint8 else x
    assert torch.equal((values - mean) / std, torch.zeros_like(values))
