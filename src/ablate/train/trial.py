"""A short look at a cell before it is swept: whether it runs, differentiates, and learns."""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from ablate.config import RunConfig
from ablate.config.augment import Augment
from ablate.config.ensemble import NoEnsemble
from ablate.config.heads import NoHeads
from ablate.config.penalty import NoPenalty
from ablate.config.pretrain import NoPretraining
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.config.validate import run_config
from ablate.data import Data
from ablate.metrics import STATISTICS
from ablate.nn.network import Network, parameter_count
from ablate.streams import Streams
from ablate.tasks import Task
from ablate.train.evaluation import probe
from ablate.train.loop import train
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import prepare
from ablate.train.step import take_step

_TIMED_STEPS = 3
_EXAMPLES = 50
_FIT_STEPS = 200
#: Largest relative error of a directional derivative in float64: kinks of ReLU stay far below.
GRADIENT_TOLERANCE = 1e-4
#: Share of 50 examples that training must come to know.
FIT = 0.9


@dataclass(frozen=True)
class Trial:
    """What a cell does in its first steps, one replicate.

    seconds_per_step   after a first one, with all that a step does
    loss               before the first step, over that of outputs that are all 0, which is what
                       guessing has; 1 is a fair start
    gradient_error     relative, of the derivative along a random direction; None for code of
                       the user's own, which may not go in float64
    fits               share of 50 training examples known after 200 steps without regularization,
                       or of the loss of outputs that are all 0 where nothing can be known; NaN of
                     text, which says by itself how much of it can be
    dead, saturated    largest share over layers before the first step; NaN where that means nothing
    """

    parameters: int
    steps: int
    seconds_per_step: float
    loss: float
    gradient_error: float | None
    fits: float
    dead: float
    saturated: float


def trial(config: RunConfig, data: Data) -> Trial:
    """Try one cell; raises ConfigError where it cannot be built."""
    single = config.model_copy(update={"ensemble": NoEnsemble()})
    streams = [Streams(config.seed, 0)]
    stack = prepare(single, data, streams, "cpu")
    largest = dict.fromkeys(STATISTICS, math.nan)
    if stack.network.layer_names:
        (reading,) = probe(stack, at_an_end=False)
        # fmax leaves out layers where a statistic means nothing, as long as it does in one.
        largest = dict(zip(STATISTICS, np.fmax.reduce(reading.statistics[0]), strict=True))
    indices = stack.order(0)[:, : config.trainer.batch_size]
    with torch.no_grad():
        outputs, targets = stack.network(stack.batch(indices, 0, 0).inputs), stack.training.targets
        first, guess = (
            float(stack.task.total(one, targets(indices))) / indices.shape[1]
            for one in (outputs, torch.zeros_like(outputs))
        )
    error = None
    if not isinstance(config.model, Target) and not isinstance(config.task, Target):
        error = _gradient_error(stack.network, stack.task, *stack.training.batch(indices[:, :8]))
    stack = prepare(single, data, streams, "cpu")
    optimizer = build_optimizer(config.optimizer, stack.network.named_parameters())
    take_step(stack, optimizer, stack.batch(indices, 0, 0), config.lr)
    started = time.perf_counter()
    for step in range(1, 1 + _TIMED_STEPS):
        take_step(stack, optimizer, stack.batch(indices, 0, step), config.lr)
    return Trial(
        parameters=parameter_count(stack.network),
        steps=stack.steps,
        seconds_per_step=(time.perf_counter() - started) / _TIMED_STEPS,
        loss=first / guess,
        gradient_error=error,
        fits=math.nan if stack.task.per_token else _fits(single, data, guess),
        dead=float(largest["dead"]),
        saturated=float(largest["saturated"]),
    )


def _gradient_error(network: Network, task: Task, x: torch.Tensor, y: torch.Tensor) -> float:
    """Compare autograd with a central difference along a random direction, all in float64.

    A little beside the initial weights: behind dead units with biases of zero a rectifier sits
    exactly at its kink, where both are right and differ.
    """
    network.double().eval()
    x = x.double() if x.is_floating_point() else x
    parameters: list[torch.Tensor] = [p for p in network.parameters() if p.requires_grad]
    generator = torch.Generator().manual_seed(0)

    def drawn() -> list[torch.Tensor]:
        draws = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
        norm = math.sqrt(sum(float(d.square().sum()) for d in draws))
        return [d / norm for d in draws]

    with torch.no_grad():
        torch._foreach_add_(parameters, drawn())
    direction = drawn()

    def loss() -> torch.Tensor:
        return task.total(network(x), y) / y.shape[1]

    gradients = torch.autograd.grad(loss(), parameters, allow_unused=True)
    pairs = zip(gradients, direction, strict=True)
    slope = sum(float((g * d).sum()) for g, d in pairs if g is not None)
    width, values = 1e-5, []
    with torch.no_grad():
        for sign in (1, -2):
            torch._foreach_add_(parameters, direction, alpha=sign * width)
            values.append(float(loss()))
    measured = (values[0] - values[1]) / (2 * width)
    return abs(measured - slope) / max(abs(measured), abs(slope), 1e-8)


def _fits(config: RunConfig, data: Data, guess: float) -> float:
    """Return the training accuracy on few examples, with nothing in the way of it.

    guess  the loss that is taken away where a task has no accuracy
    """
    fields = config.model_dump()
    fields["data"]["labelled"] = None
    fields["data"]["train_size"] = min(_EXAMPLES, len(data.train[1]) // 2)
    fields["trainer"] |= {"steps": _FIT_STEPS, "batch_size": _EXAMPLES, "eval_every": _FIT_STEPS}
    fields["trainer"]["frozen"] = 0
    fields["probe"]["steps"] = "off"
    if not isinstance(config.model, Target):
        fields["model"] |= {"dropout": 0.0, "input_dropout": 0.0}
    kept = run_config(fields)
    off = {
        "penalty": NoPenalty(),
        "augment": Augment(),
        "stopping": NoStopping(),
        "heads": NoHeads(),
        "pretrain": NoPretraining(),
    }
    (record,) = train(kept.model_copy(update=off), data, [0])
    if "train/accuracy" in record.metrics or "train/loss" not in record.metrics:
        return float(record.metrics.get("train/accuracy", 0.0))
    return 1 - float(record.metrics["train/loss"]) / guess
