"""The first steps at a learning rate: whether the loss falls, bounces or diverges."""

import math
from dataclasses import dataclass

import torch

from ablate.config import RunConfig
from ablate.config.schedule import Plateau
from ablate.data import Data
from ablate.streams import Streams
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Batch, Stack, prepare
from ablate.train.schedules import learning_rate
from ablate.train.step import take_step

#: Steps of a short training; of the last ones its end is the mean.
STEPS, _LAST = 40, 8
#: Share of steps that overshoot, from which on a loss bounces. On digits networks that learnt well
#: had 0 to 0.1, and those at too high a rate 0.12 to 0.3 where they did not diverge outright.
BOUNCING = 0.12
#: Share of the loss that a training of `STEPS` steps takes away at least.
HARDLY = 0.1
#: A first loss of so many times that of guessing is no fair start.
FAIR = 3.0
_LARGER = (10, 100, 1000, 10_000, 100_000)
#: A loss of so many times that of guessing has diverged.
_LOST = 10.0


@dataclass(frozen=True)
class ShortRun:
    """A training of `STEPS` steps at one learning rate, the schedule passed through once.

    Losses are those of the batch of a step, dropout off, in units of what guessing has.

    lr           the rate that the schedule starts from
    start, end   the mean over the last steps' batches, of the initial network and as they are met
    rose         share of steps behind which the loss of the very batch that they were taken on was
                 higher than before: noise between batches is not in it
    diverged_at  the step, counted from 1, behind which the loss was not finite or 10 times that of
                 guessing and of the start; None: never
    """

    lr: float
    start: float
    end: float
    rose: float
    diverged_at: int | None

    @property
    def fell(self) -> float:
        """Share of the first loss that is gone at the end; minus infinity where it diverged."""
        return 1 - self.end / self.start

    @property
    def bounces(self) -> bool:
        """Tell whether steps overshoot: often behind one the loss is higher than before it."""
        return self.rose >= BOUNCING


def short_runs(config: RunConfig, data: Data, learns: bool) -> tuple[ShortRun, ...]:
    """Return what the learning rate of a config does, and where it seems wrong what others do.

    A tenth where the loss bounces or diverges; ten times as large where it hardly falls, and
    larger until it does. L-BFGS takes many looks in a step, and is left alone.

    learns  whether a longer training came to know a few examples: its rate is not too small
    """
    if config.optimizer.name == "lbfgs":
        return ()
    found = [short_run(config, data, config.lr)]
    first = found[0]
    if not first.start < FAIR:
        return ()  # nothing can be told of a rate where the start is wrong
    if first.bounces or first.diverged_at is not None:
        found.append(short_run(config, data, config.lr / 10))
    elif first.fell < HARDLY and not learns:
        for times in _LARGER:
            found.append(short_run(config, data, config.lr * times))
            if found[-1].fell > HARDLY or found[-1].diverged_at is not None:
                break
    return tuple(found)


def short_run(config: RunConfig, data: Data, lr: float) -> ShortRun:
    """Train one replicate for a few steps from its initial weights."""
    stack = prepare(config, data, [Streams(config.seed, 0)], "cpu")
    optimizer = build_optimizer(
        config.optimizer, stack.network.named_parameters(), stack.streams[0]
    )
    guess = _loss(stack, stack.batch(stack.order(0)[:, : config.trainer.batch_size], 0, 0), True)
    before, after = list[float](), list[float]()
    batches = list(enumerate(_batches(stack)))
    # Of the same batches as the end, so that the difference between batches is in neither.
    ends = [_loss(stack, stack.batch(own, epoch, s)) for s, (epoch, own) in batches[-_LAST:]]
    start = sum(ends) / _LAST / guess
    for step, (epoch, indices) in batches:
        batch = stack.batch(indices, epoch, step)
        before.append(_loss(stack, batch) / guess)
        take_step(stack, optimizer, batch, _rate(stack, lr, step))
        after.append(_loss(stack, batch) / guess)
        if not after[-1] < _LOST * max(1.0, start):
            return ShortRun(lr, start, math.inf, math.nan, step + 1)
    rose = sum(late > early for early, late in zip(before, after, strict=True)) / STEPS
    return ShortRun(lr, start, sum(after[-_LAST:]) / _LAST, rose, None)


def _batches(stack: Stack) -> list[tuple[int, torch.Tensor]]:
    found: list[tuple[int, torch.Tensor]] = []
    epoch = 0
    while len(found) < STEPS:
        parts = stack.order(epoch).split(stack.config.trainer.batch_size, dim=1)  # type: ignore[no-untyped-call]
        found += [(epoch, indices) for indices in parts]
        epoch += 1
    return found[:STEPS]


def _rate(stack: Stack, lr: float, step: int) -> float:
    schedule = stack.config.schedule
    if isinstance(schedule, Plateau):
        return lr
    # As if the whole training had so many steps, epochs in the same proportion.
    epochs = stack.steps / stack.steps_per_epoch
    return learning_rate(schedule, lr, step, STEPS, max(1, round(STEPS / max(epochs, 1))))


def _loss(stack: Stack, batch: Batch, of_guessing: bool = False) -> float:
    """Return the mean loss of a batch, with batch statistics and without dropout."""
    with torch.no_grad(), stack.network.probing():
        outputs = stack.network(batch.inputs)
        outputs = torch.zeros_like(outputs) if of_guessing else outputs
        total = float(stack.task.total(outputs.float(), batch.targets))
    return total / batch.inputs.shape[1]
