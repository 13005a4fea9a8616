"""Train a stack of replicates of one cell: from a config, data and seeds to records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.ensemble import Snapshot
from ablate.config.schedule import Plateau
from ablate.data import Data
from ablate.probe import steps_to_probe
from ablate.records import Record
from ablate.streams import Streams
from ablate.train.conclude import conclude
from ablate.train.look import evaluate_all, final_logits, history_of, probe
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Task, prepare
from ablate.train.procedure import run_procedure
from ablate.train.progress import Progress
from ablate.train.schedules import learning_rate, parts
from ablate.train.step import take_step

# Steps between two looks at whether any replicate is still alive: a look at every step
# would make a GPU wait.
_LOOK_EVERY = 50


def train(
    config: RunConfig,
    data: Data,
    replicates: Sequence[int],
    device: str = "cpu",
    on_evaluation: Callable[[int, int], None] | None = None,
    members: Sequence[int] | None = None,
) -> list[Record]:
    """Train the cell `config` once per replicate, all as one stack; return a record each.

    device         `cpu` or `cuda`
    on_evaluation  called with the step and the number of steps after each evaluation
    members        of an ensemble, one per replicate; None: member 0, the plain run, each time

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
    if config.trainer.is_own:
        return [run_procedure(config, data, own, device) for own in streams]
    assert len(streams) == 1 or not config.trains_alone  # else replicates would share what is one's
    task = prepare(config, data, streams, device)
    progress = _fit(task, started, on_evaluation)
    return conclude(task, progress, started)


def _fit(task: Task, started: float, on_evaluation: Callable[[int, int], None] | None) -> Progress:
    """Train to the end, or until no replicate has anything left to learn."""
    config = task.config
    optimizer = build_optimizer(config.optimizer, task.network.named_parameters())
    evaluate_every = config.trainer.eval_every or task.steps_per_epoch
    probe_at = frozenset(steps_to_probe(config.probe, task.steps) if task.is_probed else ())
    snapshots = (
        parts(task.steps, config.ensemble.snapshots)
        if isinstance(config.ensemble, Snapshot)
        else ()
    )
    # Row by replicate, so that no mean ever runs across replicates.
    losses = torch.zeros(len(task.streams), task.steps, device=task.training_indices.device)
    progress = Progress(losses=losses)

    def look(step: int) -> None:
        if step in probe_at:
            progress.snapshots[step] = probe(task, with_histograms=step in (0, task.steps))
        if task.steps and (step % evaluate_every == 0 or step == task.steps):
            lr = _learning_rate(task, progress, max(step - 1, 0))
            evaluate_all(task, progress, step, lr)
            progress.evaluated_at.append(time.perf_counter() - started)
            if on_evaluation is not None:
                on_evaluation(step, task.steps)
        if step and step in snapshots:
            progress.members.append(final_logits(task))

    look(0)
    step = 0
    for epoch in range(config.trainer.epochs):
        for indices in task.order(epoch).split(config.trainer.batch_size, dim=1):  # type: ignore[no-untyped-call]
            batch = task.batch(indices, epoch, step)
            losses[:, step] = take_step(
                task, optimizer, batch, _learning_rate(task, progress, step)
            )
            step += 1
            if step % _LOOK_EVERY == 0 and _none_left(progress, step):
                return progress
            look(step)
            if len(progress.stopped) == len(task.streams):
                return progress
    return progress


def _learning_rate(task: Task, progress: Progress, step: int) -> float:
    config, history = task.config, []
    if isinstance(config.schedule, Plateau):
        history = history_of(progress, 0, config.schedule.monitor)  # it trains alone
    return learning_rate(
        config.schedule, config.lr, step, task.steps, task.steps_per_epoch, history
    )


def _none_left(progress: Progress, step: int) -> bool:
    alive: Tensor = torch.isfinite(progress.losses[:, :step]).all(dim=1)
    return all(r in progress.stopped for r in alive.nonzero().flatten().tolist())
