"""One epoch of a small network, here and in the loops of `bench.peers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.data import Data, channel_statistics, split
from ablate.records import Record
from ablate.streams import Streams

from .cells import ADAM, THIN, cell, epoch_of
from .peers import Images, lightning_epoch, plain_epoch
from .timing import Spread, interleave, ratios

STACK = 8
ALONE = "ablate, one network"
STACKED = f"ablate, a stack of {STACK}, per network"
TENSORS = "Lightning, DataLoader over a TensorDataset"
PER_SAMPLE = "Lightning, per-sample transforms"
BY_HAND = "a loop written by hand, tensors in memory"


@dataclass(frozen=True)
class Epoch:
    """One way to train an epoch.

    seconds   per network
    ratio     seconds / seconds of ablate with one network, round by round
    accuracy  on validation after the epoch, median over the rounds
    target    what `ratio` is meant to reach, None where nothing was promised
    """

    name: str
    seconds: Spread
    ratio: Spread
    accuracy: float
    target: float | None


def measure(data: Data, rounds: int, say: Callable[[str], None]) -> list[Epoch]:
    """Time an epoch of 55,000 MNIST images and one evaluation of 5,000, in turn."""
    config = cell(THIN, ADAM, train_size=55_000, validation_size=5_000)
    images = _images(config, data)
    accuracies: dict[str, list[float]] = {}

    def ours(name: str, replicates: range) -> Callable[[], float]:
        def keep(records: list[Record]) -> None:
            found = [record.metrics["validation/accuracy"] for record in records]
            accuracies.setdefault(name, []).extend(found)

        contender = epoch_of(config, data, replicates, keep)
        return lambda: contender() / len(replicates)

    def peer(name: str, run: Callable[[], tuple[float, float]]) -> Callable[[], float]:
        def contender() -> float:
            seconds, accuracy = run()
            accuracies.setdefault(name, []).append(accuracy)
            return seconds

        return contender

    seconds = interleave(
        {
            ALONE: ours(ALONE, range(1)),
            STACKED: ours(STACKED, range(STACK)),
            BY_HAND: peer(BY_HAND, lambda: plain_epoch(images)),
            TENSORS: peer(TENSORS, lambda: lightning_epoch(images, per_sample=False)),
            PER_SAMPLE: peer(PER_SAMPLE, lambda: lightning_epoch(images, per_sample=True)),
        },
        rounds,
        say,
    )
    return [
        Epoch(
            name=name,
            seconds=Spread.of(taken),
            ratio=ratios(taken, seconds[ALONE]),
            accuracy=Spread.of(accuracies[name]).median,
            target=1.4 if name == TENSORS else None,
        )
        for name, taken in seconds.items()
    ]


def _images(config: RunConfig, data: Data) -> Images:
    """Return the examples that replicate 0 trains on and validates with."""
    x, y = data.train
    part = split(data, config.data, Streams(config.seed, 0))
    assert part.validation is not None
    mean, std = channel_statistics(x[part.train])
    return Images(
        train=(x[part.train], y[part.train]),
        validation=(x[part.validation], y[part.validation]),
        mean=float(mean),
        std=float(std),
    )
