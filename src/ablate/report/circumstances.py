"""What a report says besides its frames: data, sizes, epochs, how to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.config.data import UserData
from ablate.data import SOURCES
from ablate.data.description import check_sizes, classes_of, examples_of, split_sizes
from ablate.study.schema import Study


@dataclass(frozen=True)
class Facts:
    """Facts about a study that are the same on every machine.

    data       one phrase per data set: `MNIST (55,000 training, 5,000 validation, ...)`
    examples   number of examples by split; None where it differs between cells, or where the
               data is the user's own: a report is made without their code
    training   one phrase: `5 epochs, batch size 128`
    commands   what to type to get the runs and this report again
    looks      how often the study was swept with another number of replicates
    claims_changed  whether claims are others than before the first run
    by_own_procedure  whether a training procedure of the user's own made the runs
    quick      whether this is a `--quick` version: few replicates, small data
    """

    data: tuple[str, ...]
    examples: dict[str, int | None]
    training: str
    commands: tuple[str, ...]
    quick: bool = False
    by_own_procedure: bool = False
    looks: int = 1
    claims_changed: bool = False

    @property
    def is_trained(self) -> bool:
        """False for a study of networks at initialization: their metrics tell nothing."""
        return not self.training.startswith("0 epochs")


def facts_of(configs: Iterable[RunConfig], commands: tuple[str, ...], quick: bool = False) -> Facts:
    """Gather the facts of a study from the configs of its cells."""
    configs = list(configs)
    sizes = [_sizes(config) for config in configs]
    read = [pair for pair in zip(configs, sizes, strict=True) if _reads_data(pair[0])]
    data = sorted({_phrase(config, size) for config, size in read})
    examples = {
        split: sizes[0].get(split) if len({size.get(split) for size in sizes}) == 1 else None
        for split in ("train", "validation", "test")
    }
    own = {c.trainer.target or c.trainer.command for c in configs if c.trainer.is_user_code}
    if own:
        named = " and ".join(sorted(map(str, own)))
        return Facts(tuple(data), examples, f"trained by {named}", commands, quick, True)
    epochs = _span({config.trainer.epochs for config in configs})
    batch = _span({config.trainer.batch_size for config in configs})
    training = f"{epochs} epoch{'' if epochs == '1' else 's'}, batch size {batch}"
    return Facts(tuple(data), examples, training, commands, quick)


def _sizes(config: RunConfig) -> dict[str, int]:
    if isinstance(config.data, UserData):
        return {}
    check_sizes(config.data)
    train, test = examples_of(config.data)
    kept, validation = split_sizes(config.data, train)
    return {"train": kept, "validation": validation, "test": config.data.test_size or test}


def _reads_data(config: RunConfig) -> bool:
    """Tell whether runs look at their data: the lectures' demonstrations descend a surface."""
    return not (config.trainer.target or "").startswith("ablate.lessons.")


def _phrase(config: RunConfig, sizes: Mapping[str, int]) -> str:
    source = SOURCES.get(config.data.name)
    name = source.title if source else config.data.name
    if not sizes:
        return name
    return (
        f"{name} ({sizes['train']:,} training, {sizes['validation']:,} validation and "
        f"{sizes['test']:,} test examples)"
    )


def chance(study: Study, config: RunConfig | None) -> float | None:
    """Return what guessing scores in the study's metric, as stored; None where that is unknown."""
    metric = study.metric
    if metric.when_not_converged is not None:
        return metric.when_not_converged
    if config is None or not metric.is_percent or isinstance(config.data, UserData):
        return None
    return 1 / classes_of(config.data)


def _span(values: set[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
