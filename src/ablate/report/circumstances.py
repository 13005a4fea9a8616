"""What a report says besides its frames: data, sizes, epochs, how to make it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.config.data import UserData
from ablate.data import SOURCES
from ablate.data.description import check_sizes, examples_of, outputs_of, split_sizes
from ablate.metrics import CLASSIFICATION, quantity
from ablate.study.lockfile import Locked
from ablate.study.measured import reads_data
from ablate.study.schema import Study


@dataclass(frozen=True)
class Facts:
    """Facts about a study that are the same on every machine.

    data       one phrase per data set: `MNIST (55,000 training, 5,000 validation, ...)`
    examples   number of examples by split; None where it differs between cells, or where the
               data is the user's own: a report is made without their code
    training   one phrase: `5 epochs, batch size 128`
    commands   what to type to get the runs and this report again
    by_user_procedure  whether a training procedure of the user's own made the runs
    is_trained  false for a study of networks at initialization: their metrics tell nothing
    """

    data: tuple[str, ...]
    examples: dict[str, int | None]
    training: str
    commands: tuple[str, ...]
    is_trained: bool = True
    by_user_procedure: bool = False


def facts_of(locked: Locked) -> Facts:
    """Gather the facts of a study from what was declared."""
    study, configs = locked.study, [cell.config for cell in locked.cells]
    sizes = [_sizes(config) for config in configs]
    own = {c.trainer.target or c.trainer.command for c in configs if c.trainer.is_user_code}
    if own:
        training = f"trained by {' and '.join(sorted(map(str, own)))}"
    else:
        batch = _span({config.trainer.batch_size for config in configs})
        training = f"{' or '.join(_lengths(configs))}, batch size {batch}"
    pairs = zip(configs, sizes, strict=True)
    return Facts(
        data=tuple(sorted({_phrase(*pair) for pair in pairs if reads_data(pair[0])})),
        examples={
            split: sizes[0].get(split) if len({size.get(split) for size in sizes}) == 1 else None
            for split in ("train", "validation", "test")
        },
        training=training,
        commands=(
            study.command or f"ablate sweep study={study.name}",
            f"ablate report {study.name}",
        ),
        is_trained=bool(own) or any(config.trainer.trains for config in configs),
        by_user_procedure=bool(own),
    )


def _lengths(configs: Sequence[RunConfig]) -> Iterator[str]:
    """Yield how long networks are trained, in epochs and in steps."""
    epochs = {config.trainer.epochs for config in configs if config.trainer.steps is None}
    steps = {config.trainer.steps for config in configs if config.trainer.steps is not None}
    for numbers, word in ((epochs, "epoch"), (steps, "step")):
        if numbers:
            yield f"{_span(numbers)} {word}{'' if numbers == {1} else 's'}"


def _sizes(config: RunConfig) -> dict[str, int]:
    """Return the number of examples by split; nothing of data of the user's own."""
    if isinstance(config.data, UserData):
        return {}
    check_sizes(config.data)
    train, test = examples_of(config.data)
    kept, validation = split_sizes(config.data, train)
    return {"train": kept, "validation": validation, "test": config.data.test_size or test}


def _phrase(config: RunConfig, sizes: Mapping[str, int]) -> str:
    source = SOURCES.get(config.data.name)
    name = source.title if source else config.data.name
    if not sizes:
        return name
    known = config.data.labelled
    labelled = f", {known:,} of them with a label" if known not in (None, sizes["train"]) else ""
    if (classes := getattr(config.data, "classes", None)) and isinstance(classes, tuple):
        name += f", classes {', '.join(map(str, classes))}"
    noise = config.data.label_noise
    wrong = f" with {100 * noise:g} % of the labels wrong" if noise else ""
    return (
        f"{name} ({sizes['train']:,} training{wrong}{labelled}, "
        f"{sizes['validation']:,} validation and {sizes['test']:,} test examples)"
    )


def chance(study: Study, config: RunConfig | None, name: str | None = None) -> float | None:
    """Return what guessing scores in a metric, as stored; None where that is unknown.

    name  of a final metric; by default the study's
    """
    metric = study.metric
    if name in (None, metric.name):
        if metric.when_not_converged is not None:
            return metric.when_not_converged
        told = metric.is_percent or study.task != CLASSIFICATION
        return guessing(metric.name, config) if told else None
    return guessing(name, config) if name and quantity(name).unit == "%" else None


def guessing(metric: str, config: RunConfig | None) -> float | None:
    """Return what guessing scores in a metric of the catalogue; None of data of the user's own."""
    guessed = quantity(metric).chance
    if guessed is None or config is None or isinstance(config.data, UserData):
        return None
    return guessed(outputs_of(config.data))


def _span(values: set[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
