"""Named random streams: one seed tree per (seed, replicate, member), named by source.

A stream is named by what draws from it (`init` and the parameter's name, `order` and
the epoch) and never by a factor under study. Replicate r therefore draws the same
numbers in every cell wherever shapes agree: common random numbers, which make the
comparison of two cells a paired one.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import device as Device

#: A source's place is its number: another one goes to the end, and moves no stream that exists.
RandomSource = Literal[
    "split", "init", "order", "augment", "dropout", "bootstrap", "probe", "data",
    "loss", "optimizer", "metric", "label_noise", "pretrain", "search",
]  # fmt: skip
_SOURCES = get_args(RandomSource)

#: Tuning draws from replicates of its own, never from those that are scored.
TUNING_REPLICATES_START = 1_000_000


@dataclass(frozen=True)
class Streams:
    """The random streams of one replicate (and one member of an ensemble).

    vary    `all`, or the one source that differs between replicates: every other draws what it
            draws in replicate 0, `none` makes all replicates alike
    below   a source that all streams are drawn from, of a training before the training: it has an
            order and dropout of its own

    Synopsis::

        streams = Streams(seed=0, replicate=3)
        streams.numpy("init", "layer1.weight").standard_normal((100, 784), dtype="float32")
        streams.numpy("order", epoch).permutation(50_000)
    """

    seed: int
    replicate: int
    member: int = 0
    vary: str = "all"
    below: RandomSource | None = None

    def numpy(self, source: RandomSource, name: str | int = 0) -> np.random.Generator:
        """Return a fresh generator; the same arguments give the same numbers."""
        return np.random.Generator(np.random.PCG64(self._sequence(source, name)))

    def torch(
        self, source: RandomSource, name: str | int = 0, device: str = "cpu"
    ) -> torch.Generator:
        """Return a fresh torch generator on `device` (its bits differ between devices)."""
        import torch

        # torch's CPU generator ignores the upper half of a 64-bit seed, so give it 32 bits.
        seed = int(self._sequence(source, name).generate_state(1, np.uint32)[0])
        return torch.Generator(device=device).manual_seed(seed)

    def seed_globally(self, source: RandomSource, name: str | int = 0) -> None:
        """Seed the global generators of torch (every device), numpy and Python from a stream."""
        import torch

        # The first word is what `torch` seeds with; the others differ, since numpy's generator
        # is torch's and would draw the same bits.
        words = self._sequence(source, name).generate_state(3, np.uint32)
        # torch.manual_seed takes 0.1 ms where there is no GPU, to remember who called.
        everywhere = torch.cuda.is_available()
        (torch if everywhere else torch.default_generator).manual_seed(int(words[0]))
        np.random.seed(words[1])  # noqa: NPY002 - what the user's own code draws from
        random.seed(int(words[2]))

    @contextmanager
    def seeded(
        self, source: RandomSource, name: str | int = 0, device: Device | None = None
    ) -> Iterator[None]:
        """Have the global generators draw from a stream, and put them back afterwards.

        Around code of the user's own, so that nothing else draws other numbers for it.

        device  a GPU whose generator is put back as well
        """
        import torch

        on_gpu = device is not None and device.type == "cuda"
        of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
        with torch.random.fork_rng([device] if on_gpu else []):
            try:
                self.seed_globally(source, name)
                yield
            finally:
                np.random.set_state(of_numpy)  # noqa: NPY002
                random.setstate(of_python)

    def _sequence(self, source: RandomSource, name: str | int) -> np.random.SeedSequence:
        # A number and a text never meet: texts carry a leading 1, numbers a leading 0.
        label = (0, name) if isinstance(name, int) else (1, zlib.crc32(name.encode()), len(name))
        first = source if self.below is None else self.below
        replicate = self.replicate if self.vary in ("all", first) else 0
        within = () if self.below is None else (_SOURCES.index(self.below),)
        key = (replicate, self.member, *within, _SOURCES.index(source), *label)
        return np.random.SeedSequence(self.seed, spawn_key=key)


def draws(work: Callable[[], object]) -> tuple[float, float, float]:
    """Return the next number of each global generator after `work`, begun from one seed.

    Two works that draw alike give the same three, and one that draws nothing those of no work.
    """
    import torch

    with Streams(0, 0).seeded("dropout", "trial"):
        work()
        return float(torch.rand(())), float(np.random.rand()), random.random()  # noqa: NPY002
