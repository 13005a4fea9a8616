"""Train a stack of replicates of one cell: from a config, data and seeds to records."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.ensemble import Snapshot
from ablate.config.schedule import Plateau
from ablate.data import Data
from ablate.probe import steps_to_probe
from ablate.records import Record
from ablate.streams import Streams
from ablate.train.again import state_of, train_again
from ablate.train.conclude import conclude
from ablate.train.evaluation import evaluate_all, probe
from ablate.train.history import History
from ablate.train.inference import final_outputs
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Stack, prepare
from ablate.train.pretrain import pretrain
from ablate.train.procedure import run_procedure
from ablate.train.pulls import build_pulls
from ablate.train.schedules import learning_rate, parts
from ablate.train.step import set_dropout, take_step

# Steps between two looks at whether any replicate is still alive: a look at every step
# would make a GPU wait.
_LOOK_EVERY = 50


def train(
    config: RunConfig,
    data: Data,
    replicates: Sequence[int],
    device: str = "cpu",
    members: Sequence[int] | None = None,
    source: Data | None = None,
) -> list[Record]:
    """Train the cell `config` once per replicate, all as one stack; return a record each.

    device   `cpu` or `cuda`
    members  of an ensemble, one per replicate; None: member 0, the plain run, each time
    source   of the task that comes before, where the config has one

    On a CPU with one thread the record of a replicate of an `mlp` is the same bits in whatever
    stack it is trained; elsewhere, and for a model of the user's own, it is within rounding. A
    replicate whose loss is not finite ends there, and the others go on. How many may be a stack is
    the caller's to know, see `ablate.launch.jobs.stack_limit`.
    Global state (threads, denormals) is the caller's, see `ablate.train.process`.
    """
    numbers = [0] * len(replicates) if members is None else members
    streams = [
        Streams(config.entropy, replicate, member, config.trainer.vary)
        for replicate, member in zip(replicates, numbers, strict=True)
    ]
    started = time.perf_counter()
    if config.trainer.is_user_code:
        return [run_procedure(config, data, own, device) for own in streams]
    # else replicates would share what is one's
    assert len(streams) == 1 or not config.trains_one_by_one
    stack = prepare(config, data, streams, device)
    pretrained = pretrain(stack, data, source, device, lambda other: _fit(other, started))
    again = getattr(config.stopping, "then", "stop") != "stop"
    start = state_of(stack) if again else {}
    history = _fit(stack, started)
    history.pretrained = pretrained
    if again:
        stack = train_again(stack, start, history)
    return conclude(stack, history, started)


def _fit(stack: Stack, started: float) -> History:
    """Train to the end, or until no replicate has anything left to learn."""
    config = stack.config
    optimizer = build_optimizer(
        config.optimizer, stack.network.named_parameters(), stack.streams[0]
    )
    pulls = build_pulls(config, stack.network)
    evaluate_every = config.trainer.eval_every or stack.steps_per_epoch
    probe_at = frozenset(steps_to_probe(config.probe, stack.steps) if stack.is_probed else ())
    snapshots: tuple[int, ...] = ()
    if isinstance(config.ensemble, Snapshot):
        snapshots = parts(stack.steps, config.ensemble.snapshots)
    # Row by replicate, so that no mean ever runs across replicates.
    losses = torch.zeros(len(stack.streams), stack.steps, device=stack.training_indices.device)
    history = History(losses=losses)

    def look(step: int) -> None:
        if step in probe_at:
            history.readings[step] = probe(stack, at_an_end=step in (0, stack.steps))
        if stack.steps and (step % evaluate_every == 0 or step == stack.steps):
            lr = _learning_rate(stack, history, max(step - 1, 0))
            evaluate_all(stack, history, step, lr)
            history.evaluated_at.append(time.perf_counter() - started)
        if step and step in snapshots:
            history.members.append(final_outputs(stack))

    look(0)
    step = 0
    for epoch in range(-(-stack.steps // stack.steps_per_epoch)):
        for indices in stack.order(epoch).split(config.trainer.batch_size, dim=1):  # type: ignore[no-untyped-call]
            batch = stack.batch(indices, epoch, step)
            lr = _learning_rate(stack, history, step)
            set_dropout(stack, step)
            losses[:, step] = take_step(stack, optimizer, batch, lr, pulls)
            step += 1
            if step % _LOOK_EVERY == 0 and _none_left(history, step):
                return history
            look(step)
            if step == stack.steps or len(history.stopped) == len(stack.streams):
                return history
    return history


def _learning_rate(stack: Stack, history: History, step: int) -> float:
    config, seen = stack.config, list[float]()
    if isinstance(config.schedule, Plateau):
        seen = history.monitored(0, config.schedule.monitor)  # it trains alone
    return learning_rate(config.schedule, config.lr, step, stack.steps, stack.steps_per_epoch, seen)


def _none_left(history: History, step: int) -> bool:
    alive: Tensor = torch.isfinite(history.losses[:, :step]).all(dim=1)
    return all(r in history.stopped for r in alive.nonzero().flatten().tolist())
