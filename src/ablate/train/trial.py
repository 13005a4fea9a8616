"""A short look at a cell before it is swept: whether it runs, differentiates, and learns."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ablate.config import RunConfig
from ablate.config.augment import Augment
from ablate.config.ensemble import NoEnsemble
from ablate.config.heads import NoHeads
from ablate.config.penalty import NoPenalty
from ablate.config.pretrain import NoPretraining
from ablate.config.schedule import ConstantSchedule
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.config.validate import run_config
from ablate.data import Data
from ablate.metrics import STATISTICS
from ablate.nn.network import parameter_count
from ablate.streams import Streams
from ablate.train.evaluation import probe
from ablate.train.gradient_check import GradientCheck, check_gradients
from ablate.train.loop import train
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Stack, prepare
from ablate.train.short_run import ShortRun, short_runs
from ablate.train.step import take_step

_TIMED_STEPS = 3
_EXAMPLES = 50
_FIT_STEPS = 200
#: Examples that gradients are checked on, and that inputs are looked at in.
_CHECKED, _SEEN = 8, 500
#: Share of 50 examples that training must come to know.
FIT = 0.9


@dataclass(frozen=True)
class Inputs:
    """Training examples as a network takes them.

    mean, deviation  of all numbers
    spread           the largest deviation of a feature over the smallest but 0; NaN of images
    """

    mean: float
    deviation: float
    spread: float


@dataclass(frozen=True)
class Trial:
    """What a cell does in its first steps, one replicate.

    seconds_per_step   after a first one, with all that a step does
    loss               before the first step, over that of outputs that are all 0, which is what
                       guessing has; 1 is a fair start
    gradients          against central differences, all in float64
    fits               share of 50 training examples known after 200 steps without regularization,
                       or of the loss of outputs that are all 0 where nothing can be known; NaN of
                     text, which says by itself how much of it can be
    dead, saturated    largest share over layers before the first step; NaN where that means nothing
    worst              in which layer each of the two is largest, by its name
    inputs             as the network takes them; None of tokens
    short_runs         the first steps at the learning rate, and at others where it seems wrong;
                       empty where nothing was asked about it
    """

    parameters: int
    steps: int
    seconds_per_step: float
    loss: float
    gradients: GradientCheck
    fits: float
    dead: float
    saturated: float
    worst: Mapping[str, str]
    inputs: Inputs | None
    short_runs: tuple[ShortRun, ...]


def trial(config: RunConfig, data: Data, with_rates: bool = True) -> Trial:
    """Try one cell; raises ConfigError where it cannot be built.

    with_rates  whether its learning rate is tried, which is tuned in some studies
    """
    single = config.model_copy(update={"ensemble": NoEnsemble()})
    streams = [Streams(config.seed, 0)]
    stack = prepare(single, data, streams, "cpu")
    largest = _largest(stack)
    indices = stack.order(0)[:, : config.trainer.batch_size]
    with torch.no_grad():
        outputs, targets = stack.network(stack.batch(indices, 0, 0).inputs), stack.training.targets
        first, guess = (
            float(stack.task.total(one, targets(indices))) / indices.shape[1]
            for one in (outputs, torch.zeros_like(outputs))
        )
    gradients = check_gradients(
        stack.network,
        None if isinstance(config.task, Target) else stack.task,
        *stack.training.batch(indices[:, :_CHECKED]),
        streams,
    )
    inputs = _inputs(stack)
    fits = math.nan if stack.task.per_token else _fits(single, data, guess)
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
        gradients=gradients,
        fits=fits,
        dead=largest["dead"][0],
        saturated=largest["saturated"][0],
        worst={name: layer for name, (_, layer) in largest.items()},
        inputs=inputs,
        short_runs=short_runs(single, data, fits >= FIT) if with_rates else (),
    )


def _largest(stack: Stack) -> dict[str, tuple[float, str]]:
    """Return the largest share of dead and of saturated units of all layers, and in which it is."""
    found = dict.fromkeys(("dead", "saturated"), (math.nan, ""))
    if not stack.network.layer_names:
        return found
    (reading,) = probe(stack, at_an_end=False)
    for name in found:
        shares = reading.statistics[0][:, STATISTICS.index(name)]
        if not np.isnan(shares).all():  # in some layers it means nothing
            layer = int(np.nanargmax(shares))
            found[name] = float(shares[layer]), stack.network.layer_names[layer]
    return found


def _inputs(stack: Stack) -> Inputs | None:
    indices = stack.training_indices[:, :_SEEN]
    seen = []
    for some in indices.split(stack.config.trainer.batch_size, dim=1):  # type: ignore[no-untyped-call]
        x, _ = stack.training.batch(some)
        if not x.is_floating_point():
            return None
        seen.append(x[0].double())
    examples = torch.cat(seen)
    deviations = examples.std(dim=0, correction=0).flatten()
    varying = deviations[deviations > 0]
    is_even = examples.ndim > 2 or not len(varying)
    spread = math.nan if is_even else float(varying.max() / varying.min())
    return Inputs(float(examples.mean()), float(examples.std(correction=0)), spread)


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
    off: dict[str, object] = {
        "penalty": NoPenalty(),
        "augment": Augment(),
        "stopping": NoStopping(),
        "heads": NoHeads(),
        "pretrain": NoPretraining(),
    }
    if config.schedule.name in ("exponential", "inverse_time"):
        off["schedule"] = ConstantSchedule(name="constant")  # here an epoch is a single step
    (record,) = train(kept.model_copy(update=off), data, [0])
    if "train/accuracy" in record.metrics or "train/loss" not in record.metrics:
        return float(record.metrics.get("train/accuracy", 0.0))
    return 1 - float(record.metrics["train/loss"]) / guess
