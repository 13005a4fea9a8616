"""Named random streams: one seed tree per (seed, replicate, member), named by source.

A stream is named by what draws from it (`init` and the parameter's name, `order` and
the epoch) and never by a factor under study. Replicate r therefore draws the same
numbers in every cell wherever shapes agree: common random numbers, which make the
comparison of two cells a paired one.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    import torch

#: A source's place is its number: another one goes to the end, and moves no stream that exists.
RandomSource = Literal["split", "init", "order", "augment", "dropout", "bootstrap", "probe", "data"]
_SOURCES = get_args(RandomSource)

#: Tuning draws from replicates of its own, never from those that are scored.
TUNING_REPLICATES_START = 1_000_000


@dataclass(frozen=True)
class Streams:
    """The random streams of one replicate (and one member of an ensemble).

    vary    `all`, or the one source that differs between replicates: every other draws what it
            draws in replicate 0, `none` makes all replicates alike

    Synopsis::

        streams = Streams(seed=0, replicate=3)
        streams.numpy("init", "layer1.weight").standard_normal((100, 784), dtype="float32")
        streams.numpy("order", epoch).permutation(50_000)
    """

    seed: int
    replicate: int
    member: int = 0
    vary: str = "all"

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

    def _sequence(self, source: RandomSource, name: str | int) -> np.random.SeedSequence:
        # A number and a text never meet: texts carry a leading 1, numbers a leading 0.
        label = (0, name) if isinstance(name, int) else (1, zlib.crc32(name.encode()), len(name))
        replicate = self.replicate if self.vary in ("all", source) else 0
        key = (replicate, self.member, _SOURCES.index(source), *label)
        return np.random.SeedSequence(self.seed, spawn_key=key)
