"""The global generators, from which code of the user's own draws."""

import random

import numpy as np
import pytest
import torch

from ablate.streams import Streams, draws

STREAMS = Streams(3, 1)


def numbers() -> list[float]:
    """Return a number of each global generator."""
    return [torch.rand(()).item(), np.random.rand(), random.random()]  # noqa: NPY002


def test_a_stream_comes_again_in_all_three_and_they_are_put_back() -> None:
    STREAMS.seed_globally("init", "outside")
    numbers()
    outside = numbers()
    STREAMS.seed_globally("init", "outside")
    numbers()
    inside = []
    for name in (0, 0, 1):
        with STREAMS.seeded("loss", name):
            inside.append(numbers())
    assert numbers() == outside
    assert inside[0] == inside[1]
    assert all(a != b for a, b in zip(inside[0], inside[2], strict=True))


def test_they_are_put_back_where_the_code_fails() -> None:
    STREAMS.seed_globally("init", "outside")
    outside = numbers()
    STREAMS.seed_globally("init", "outside")
    with pytest.raises(ZeroDivisionError), STREAMS.seeded("loss"):
        1 / 0  # noqa: B018
    assert numbers() == outside


def test_torch_draws_what_a_generator_of_the_stream_draws() -> None:
    expected = torch.rand(5, generator=STREAMS.torch("augment", 7))
    with STREAMS.seeded("augment", 7):
        assert torch.equal(torch.rand(5), expected)


def test_numpys_bits_are_not_torchs() -> None:
    """Both are the same generator: of one seed they would draw the same words."""
    with STREAMS.seeded("loss"):
        seed = torch.initial_seed()
        assert np.random.rand() != np.random.RandomState(seed).rand()  # noqa: NPY002


def test_what_draws_is_told_from_what_does_not() -> None:
    nothing = draws(lambda: None)
    assert draws(lambda: STREAMS.numpy("init").random()) == nothing
    for work in (lambda: torch.rand(()), np.random.rand, random.random):
        assert draws(work) != nothing
        assert draws(work) == draws(work)
