"""What a report says besides its frames: data, sizes, epochs, how to make it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.data.declared import check_sizes, examples_of, split_sizes

_PROPER_NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
}


@dataclass(frozen=True)
class Facts:
    """Facts about a study that are the same on every machine.

    data       one phrase per data set: `MNIST (55,000 training, 5,000 validation, ...)`
    examples   number of examples by split; None where it differs between cells
    training   one phrase: `5 epochs, batch size 128`
    commands   what to type to get the runs and this report again
    quick      whether this is a `--quick` version: few replicates, small data
    """

    data: tuple[str, ...]
    examples: dict[str, int | None]
    training: str
    commands: tuple[str, ...]
    quick: bool = False

    @property
    def is_trained(self) -> bool:
        """False for a study of networks at initialization: their metrics tell nothing."""
        return not self.training.startswith("0 epochs")


def facts_of(configs: Iterable[RunConfig], commands: tuple[str, ...], quick: bool = False) -> Facts:
    """Gather the facts of a study from the configs of its cells."""
    configs = list(configs)
    sizes = [_sizes(config) for config in configs]
    data = sorted({_phrase(c, s) for c, s in zip(configs, sizes, strict=True)})
    examples = {
        split: sizes[0][split] if len({size[split] for size in sizes}) == 1 else None
        for split in ("train", "validation", "test")
    }
    epochs = _span({config.trainer.epochs for config in configs})
    batch = _span({config.trainer.batch_size for config in configs})
    training = f"{epochs} epoch{'' if epochs == '1' else 's'}, batch size {batch}"
    return Facts(tuple(data), examples, training, commands, quick)


def _sizes(config: RunConfig) -> dict[str, int]:
    check_sizes(config.data)
    train, test = examples_of(config.data)
    kept, validation = split_sizes(config.data, train)
    return {"train": kept, "validation": validation, "test": config.data.test_size or test}


def _phrase(config: RunConfig, sizes: dict[str, int]) -> str:
    name = _PROPER_NAMES.get(config.data.name, config.data.name)
    return (
        f"{name} ({sizes['train']:,} training, {sizes['validation']:,} validation and "
        f"{sizes['test']:,} test examples)"
    )


def _span(values: set[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
