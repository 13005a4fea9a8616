"""Whether the options of a run go with what it predicts."""

from collections.abc import Iterator

from ablate.config import RunConfig
from ablate.config.ensemble import NoEnsemble
from ablate.config.heads import Others
from ablate.config.schedule import Plateau
from ablate.config.stopping import Patience
from ablate.config.target import Target
from ablate.config.task import on_validation
from ablate.data import describe, others_of
from ablate.data import task_of as natural_task
from ablate.errors import ConfigError, one_of
from ablate.metrics import CLASSIFICATION
from ablate.study.measured import reads_data, task_of


def check_task(config: RunConfig, cell: str) -> None:
    """Raise ConfigError where a cell asks for what its task does not have."""
    if not reads_data(config):
        return
    for problem in _problems(config, task_of(config)):
        raise ConfigError(f"{cell}: {problem}.")


def _problems(config: RunConfig, task: str) -> Iterator[str]:
    users = isinstance(config.task, Target)
    if not users and config.task.name != "auto":
        natural = natural_task(config.data)
        if natural != task:
            yield f"task={task} is not allowed with data={config.data.name}, which is for {natural}"
    if not users and task == "own":
        yield (
            f"data={config.data.name} is for a task of your own, which has to be named: "
            "task={_target_: mylab.tasks.Mine}"
        )
    if isinstance(config.heads, Others) and not others_of(config.data):
        yield (
            f"heads=others is not allowed with data={config.data.name}, which has one target; "
            "allowed are mnist_pairs, digits_pairs and ablate.Data(..., others=...) of your own"
        )
    monitors = {"stopping": config.stopping, "schedule": config.schedule}
    allowed = on_validation(task)
    for group, option in monitors.items():
        if isinstance(option, Patience | Plateau) and option.monitor not in allowed:
            yield (
                f"{group}.monitor={option.monitor} is not allowed with task={task}; allowed are "
                f"{one_of(allowed)}"
            )
    stopping = config.stopping
    again = stopping.then if isinstance(stopping, Patience) else "stop"
    if again != "stop" and describe(config.data).has_validation:
        yield (
            f"stopping.then={again} is not allowed with data={config.data.name}, "
            "which has a validation set of its own"
        )
    if task == CLASSIFICATION:
        return
    other = f"is of classifiers, not of task={task}"
    if config.label_smoothing:
        yield f"loss.label_smoothing={config.label_smoothing:g} {other}"
    if config.data.label_noise:
        yield f"data.label_noise={config.data.label_noise:g} {other}"
    ensemble = config.ensemble
    if not isinstance(ensemble, NoEnsemble) and ensemble.combine == "geometric":
        yield f"ensemble.combine=geometric {other}"
    votes = not isinstance(ensemble, NoEnsemble) and ensemble.combine == "vote"
    if votes and task != "multilabel":
        yield f"ensemble.combine=vote {other}"
