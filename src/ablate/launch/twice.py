"""The user's own code run twice under the same streams: whether it gives the same numbers."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from ablate import data as data_sets
from ablate.config import RunConfig
from ablate.config.data import UserData
from ablate.config.target import Target
from ablate.data import Data
from ablate.data.dataset import at_most, fixed_part
from ablate.data.user_augment import build_user_augment
from ablate.data.user_data import made
from ablate.launch.user_check import sample
from ablate.nn.architectures import Shape
from ablate.nn.user_network import build_user_network, drawn
from ablate.streams import Streams, draws
from ablate.tasks import build_task
from ablate.train.losses import build_loss
from ablate.train.optimizers import build_optimizer, update
from ablate.train.procedure import run_procedure
from ablate.train.user_metric import user_metric

#: What a training procedure is tried on: examples of each part, as with `--quick`.
_SOME = 500

Numbers = list[npt.ArrayLike]


def differences(config: RunConfig, data: Data, with_data: bool = True) -> Iterator[str]:
    """Yield a sentence per part of the user's own code that gives other numbers the second time.

    A training procedure is run, on at most 500 examples of each part.

    with_data  whether the data function is one of the parts
    """
    streams = Streams(config.entropy, 0)
    parts: dict[str, Callable[[RunConfig, Data, Streams], Numbers]] = {
        "data": _data, "model": _model, "loss": _loss, "task": _loss, "optimizer": _optimizer,
        "augment": _augment, "metric": _metric, "trainer": _procedure,
    }  # fmt: skip
    for key, path in config.user_code.items():
        unused = config.trainer.is_user_code and key not in ("data", "trainer")
        if unused or (key == "data" and not with_data):
            continue
        first, second = (parts[key](config, data, streams) for _ in range(2))
        same = len(first) == len(second) and all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)
        )
        if not same:
            yield (
                f"{key}={path} gives other numbers the second time under the same random streams: "
                "it depends on something else (a generator of its own without a seed, what it "
                "keeps from call to call, the clock, threads)"
            )
    if isinstance(config.model, Target) and not config.trainer.is_user_code:
        network = build_user_network(
            config.model, *_shape(config, data), streams, torch.device("cpu")
        )
        network.eval()
        if draws(lambda: network.module(_inputs(config))) != draws(lambda: None):
            yield (
                f"model={config.model.name} draws random numbers while it predicts, so its scores "
                "are random too (functional.dropout needs training=self.training)"
            )


def _data(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    assert isinstance(config.data, UserData)
    again = made(config.data)
    pairs = (again.train, again.test, *([again.validation] if again.validation else []))
    return [tensor for pair in pairs for tensor in pair]


def _model(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    assert isinstance(config.model, Target)
    network = build_user_network(config.model, *_shape(config, data), streams, torch.device("cpu"))
    network.seed_dropout([streams], "cpu")
    with torch.no_grad():
        passes = [network(_inputs(config)[None]) for _ in range(2)]
    return [*passes, *network.state_dict().values()]


def _loss(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    outputs, targets = sample(config, lambda: data)
    loss = build_loss(config, build_task(config, data.task), streams)
    return [loss(outputs[None], targets[None]).detach() for _ in range(2)]


def _optimizer(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    weight = torch.nn.Parameter(torch.ones(1, 4, 4))
    optimizer = build_optimizer(config.optimizer, [("weight", weight)], streams)
    for _ in range(2):
        weight.grad = torch.ones_like(weight)
        update(optimizer, config.lr, config.penalty, None)
    return [weight.detach()]


def _augment(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    assert isinstance(config.augment, Target)
    change = build_user_augment(config.augment, streams)
    return [change(_inputs(config)[None], step) for step in range(2)]


def _metric(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    assert config.metric is not None
    outputs, targets = sample(config, lambda: data)
    return list(user_metric(config.metric, outputs.numpy(), targets.numpy()).values())


def _procedure(config: RunConfig, data: Data, streams: Streams) -> Numbers:
    """Return what a run gives on few examples, whatever the sizes that the config asks for."""
    held_out = data.validation and fixed_part(data.validation, _SOME, "at_most")
    whole = dict.fromkeys(("train_size", "validation_size", "test_size"))
    small = config.model_copy(update={"data": config.data.model_copy(update=whole)})
    few = replace(at_most(data, _SOME, "at_most"), validation=held_out)
    record = run_procedure(small, few, streams, "cpu")
    numbers: Numbers = [record.metrics[name] for name in sorted(record.metrics)]
    numbers += [record.losses, *([] if record.predictions is None else [record.predictions])]
    return numbers


def _shape(config: RunConfig, data: Data) -> tuple[Shape, int]:
    (x, y), task = data.train, build_task(config, data.task)
    shape = Shape(tuple(x.shape[1:]), data.vocabulary, task.per_token)
    return shape, task.outputs(y, data.classes)


def _inputs(config: RunConfig) -> torch.Tensor:
    there = data_sets.describe(config.data)
    return drawn(Shape(there.inputs, there.vocabulary), 8)
