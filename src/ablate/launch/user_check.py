"""A trial of the user's own code on a few numbers, before anything starts.

It imports torch, so it is imported only where there is such code.
"""

import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor

from ablate import data, user
from ablate.config import RunConfig
from ablate.config.data import DataConfig
from ablate.config.run import UserMetric
from ablate.config.schedule import ConstantSchedule
from ablate.config.target import ModelTarget, Target
from ablate.data import Data
from ablate.data.user_augment import build_user_augment
from ablate.errors import AblateError, ConfigError
from ablate.launch.model_check import check_model
from ablate.launch.single_examples import alone_in_training
from ablate.nn.architectures import Shape
from ablate.nn.user_network import UserNetwork, build_user_network
from ablate.nn.user_stack import why_not_stacked
from ablate.streams import Streams
from ablate.study.measured import has_outputs_per_token
from ablate.tasks import build_task
from ablate.train.losses import build_loss
from ablate.train.optimizers import build_optimizer, update
from ablate.train.user_metric import user_metric

_EXAMPLES = 4
#: Training targets on which a loss is tried.
_SAMPLE = 16
#: In which an augmentation that draws at all is taken to do it.
_STEPS = 50


def check_user_code(config: RunConfig, root: Path = Path()) -> None:
    """Raise ConfigError where code of the user's own is missing or does not do its part.

    Data is loaded, a model is made and fed, loss, optimizer, augmentation and metric are called
    once; of a training procedure only the name and its arguments are checked.

    root  the folder of `data/`: a metric is tried on the labels that it will be given
    """
    trials: dict[str, Callable[[RunConfig], object]] = {
        "model": partial(_model, root=root), "loss": partial(_loss, root=root),
        "task": partial(_task, root=root), "optimizer": _optimizer, "augment": _augment,
        "metric": partial(_metric, root=root), "trainer": _procedure,
    }  # fmt: skip
    for key, path in config.user_code.items():
        try:
            with user.calling(key, f"{path} fails when tried"):
                if key in trials:
                    trials[key](config)
        except AblateError as error:
            raise ConfigError(str(error)) from error
    words = config.trainer.words()
    if words and shutil.which(words[0]) is None:
        what = "there is no such command"
        if Path(words[0]).is_file():
            what = "this file may not be executed; chmod +x allows it"
        raise ConfigError(f"trainer.command={words[0]}: {what}.")


def not_stacked(config: RunConfig) -> str | None:
    """Return a sentence that says why a model of the user's own cannot train in a stack."""
    if not isinstance(config.model, Target):
        return None
    there = data.describe(config.data)
    shape = Shape(there.inputs, there.vocabulary, has_outputs_per_token(config))
    return _not_stacked(config.model, shape, there.outputs)


@cache  # asked for every job of it
def _not_stacked(model: ModelTarget, shape: Shape, outputs: int) -> str | None:
    reason = why_not_stacked(_network(model, shape, outputs), shape)
    if reason is None:
        return None
    return f"model={model.name} trains one by one, which may be slower: {reason}"


def shape_of(config: RunConfig, root: Path) -> tuple[Shape, int]:
    """Return what a network is made for, and the number of outputs that the task asks for."""
    there = data.describe(config.data)
    task = build_task(config, there.task)
    shape = Shape(there.inputs, there.vocabulary, task.per_token)
    if not isinstance(config.task, Target):
        return shape, there.outputs
    loaded = data.load(config.data, root, config.seed)
    return shape, task.outputs(loaded.train[1], loaded.classes)


def _model(config: RunConfig, root: Path) -> None:
    assert isinstance(config.model, Target)
    shape, outputs = shape_of(config, root)
    network = _network(config.model, shape, outputs)
    if config.trainer.is_user_code:
        return
    if config.trainer.vary == "init":
        other = _network(config.model, shape, outputs, replicate=1).state_dict()
        alike = all(torch.equal(own, other[name]) for name, own in network.state_dict().items())
        _check_varies(config, not alike, f"model={config.model.name}")
    check_model(config, network, shape, outputs)


def _network(model: ModelTarget, shape: Shape, outputs: int, replicate: int = 0) -> UserNetwork:
    return build_user_network(model, shape, outputs, Streams(0, replicate), torch.device("cpu"))


def _check_varies(config: RunConfig, varies: bool, code: str) -> None:
    if not varies:
        raise ConfigError(
            f"trainer.vary={config.trainer.vary} leaves nothing that varies: {code} does the same "
            "in every replicate."
        )


def _loss(config: RunConfig, root: Path) -> None:
    if isinstance(config.task, Target) and not isinstance(config.loss, Target):
        return
    _try_loss(config, root, f"loss={config.loss.name}")


def _loading(config: RunConfig, root: Path) -> Callable[[], Data]:
    return partial(data.load, config.data, root, config.seed)


def _task(config: RunConfig, root: Path) -> None:
    """Try the loss, the scores and the rule of what was learnt on a few guesses."""
    task = build_task(config, data.task_of(config.data))
    outputs, targets = sample(config, _loading(config, root))
    scores = task.scores(outputs.numpy(), targets.numpy())
    task.learnt(scores, targets.numpy())
    if not isinstance(config.loss, Target):
        _try_loss(config, root, f"task={task.name}: its loss")


def _try_loss(config: RunConfig, root: Path, what: str) -> None:
    task = build_task(config, data.task_of(config.data))
    some = sample(config, _loading(config, root))
    for examples in (None, 1)[: 1 + bool(alone_in_training(config))]:
        outputs, targets = (part[:examples].clone() for part in some)
        outputs.requires_grad_()
        loss = build_loss(config, task, Streams(0, 0))(outputs[None], targets[None])
        loss.sum().backward()  # type: ignore[no-untyped-call]
        if outputs.grad is None or not torch.isfinite(outputs.grad).all():
            raise ConfigError(f"{what} has no finite gradient.")


def _optimizer(config: RunConfig) -> None:
    weight = torch.nn.Parameter(torch.ones(1, 2, 2))
    optimizer = build_optimizer(config.optimizer, [("weight", weight)])
    if any("lr" not in group for group in optimizer.param_groups) and not isinstance(
        config.schedule, ConstantSchedule
    ):
        raise ConfigError(
            f"schedule={config.schedule.name} is not allowed with optimizer="
            f"{config.optimizer.name}: its parameter groups have no lr that it could set."
        )
    weight.grad = torch.ones_like(weight)
    update(optimizer, config.lr, config.penalty, None)


def _augment(config: RunConfig) -> None:
    assert isinstance(config.augment, Target)
    images = torch.rand(1, _EXAMPLES, *data.inputs_of(config.data), generator=torch.Generator())
    change = build_user_augment(config.augment, Streams(0, 0))
    for examples in (_EXAMPLES, 1)[: 1 + bool(alone_in_training(config))]:
        if not torch.isfinite(change(images[:, :examples], 0)).all():
            raise ConfigError(f"augment={config.augment.name} returned values that are not finite.")
    if config.trainer.vary == "augment":
        other = build_user_augment(config.augment, Streams(0, 1))
        alike = (torch.equal(change(images, step), other(images, step)) for step in range(_STEPS))
        _check_varies(config, not all(alike), f"augment={config.augment.name}")


def _metric(config: RunConfig, root: Path) -> None:
    assert config.metric is not None
    shape, outputs = shape_of(config, root)
    of_one = shape.of_outputs(outputs)
    _try_metric(config.metric, config.data, config.seed, root, of_one)


@cache  # alike in most cells, and as slow as the metric is
def _try_metric(
    metric: UserMetric, source: DataConfig, seed: int, root: Path, outputs: tuple[int, ...]
) -> None:
    """Call a metric on the targets of the test set: one class alone, say, may have no value."""
    targets = data.load(source, root, seed).test[1]
    user_metric(metric, _guesses(targets, outputs).numpy(), targets.numpy())


def _procedure(config: RunConfig) -> None:
    assert config.trainer.procedure is not None
    user.bound(config.trainer.procedure, "trainer", given=("config", "data", "streams", "run"))


def sample(config: RunConfig, load: Callable[[], Data]) -> tuple[Tensor, Tensor]:
    """Return outputs (N, K) and targets (N, ...): of a classifier every class twice.

    load  gives the data, which takes time and is not needed of a classifier
    """
    if data.task_of(config.data) == "classification" and not isinstance(config.task, Target):
        classes = data.outputs_of(config.data)
        labels = torch.arange(classes).repeat(2)
        return _guesses(labels, (classes,)), labels
    loaded = load()
    task, (x, y) = build_task(config, loaded.task), loaded.train
    shape = Shape(tuple(x.shape[1:]), loaded.vocabulary, task.per_token)
    outputs = shape.of_outputs(task.outputs(y, loaded.classes))
    return _guesses(task.scaled(y[:_SAMPLE], y), outputs), task.scaled(y[:_SAMPLE], y)


def _guesses(targets: Tensor, outputs: tuple[int, ...]) -> Tensor:
    """Return outputs (N, *outputs) that are right more often than not, where that can be told."""
    noise = torch.randn(len(targets), *outputs, generator=torch.Generator().manual_seed(0))
    if targets.ndim == 1 and targets.dtype == torch.int64 and int(targets.max()) < outputs[-1]:
        return noise + 2 * torch.nn.functional.one_hot(targets, outputs[-1])
    if targets.shape == noise.shape and targets.is_floating_point():
        return noise + 2 * targets
    return noise
