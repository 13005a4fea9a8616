"""Train a stack of replicates of one cell: from a config, data and seeds to records."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.config import RunConfig
from ablate.data import Data
from ablate.probe import steps_to_probe
from ablate.probe.measure import Snapshot, measure
from ablate.records import Record
from ablate.train.conclude import Progress, conclude, weights_of
from ablate.train.evaluate import autocast, evaluate
from ablate.train.optimizers import build_optimizer, update
from ablate.train.prepare import Task, prepare
from ablate.train.schedules import learning_rate

# Steps between two looks at whether any replicate is still alive: a look at every step
# would make a GPU wait.
_LOOK_EVERY = 50


def train(
    config: RunConfig,
    data: Data,
    replicates: Sequence[int],
    device: str = "cpu",
    on_evaluation: Callable[[int, int], None] | None = None,
) -> list[Record]:
    """Train the cell `config` once per replicate, all as one stack; return a record each.

    device         `cpu` or `cuda`
    on_evaluation  called with the step and the number of steps after each evaluation

    On a CPU with one thread a replicate's record is the same bits in whatever stack it is
    trained. A replicate whose loss is not finite ends there, and the others go on.
    Global state (threads, denormals) is the caller's, see `ablate.train.setup`.
    """
    started = time.perf_counter()
    task = prepare(config, data, replicates, device)
    progress = _fit(task, started, on_evaluation)
    return conclude(task, progress, started)


def per_replicate_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy (R,) of logits (R, B, K) against labels (R, B)."""
    replicates, size, classes = logits.shape
    losses = F.cross_entropy(
        logits.float().reshape(-1, classes), labels.reshape(-1), reduction="none"
    )
    return losses.view(replicates, size).mean(dim=1)


def _fit(task: Task, started: float, on_evaluation: Callable[[int, int], None] | None) -> Progress:
    """Train to the end, or until no replicate has a finite loss left."""
    config, network = task.config, task.network
    optimizer = build_optimizer(config.optimizer, network.named_parameters())
    evaluate_every = config.trainer.eval_every or task.steps_per_epoch
    probe_at = frozenset(steps_to_probe(config.probe, task.steps))
    # Row by replicate, so that no mean ever runs across replicates.
    losses = torch.zeros(len(task.streams), task.steps, device=task.training_indices.device)
    progress = Progress(losses=losses)

    def look(step: int) -> None:
        if step in probe_at:
            progress.snapshots[step] = _probe(task, with_histograms=step in (0, task.steps))
        if task.steps and (step % evaluate_every == 0 or step == task.steps):
            _evaluate(task, progress, step)
            progress.evaluated_at.append(time.perf_counter() - started)
            if on_evaluation is not None:
                on_evaluation(step, task.steps)

    look(0)
    step = 0
    for epoch in range(config.trainer.epochs):
        for indices in task.order(epoch).split(config.trainer.batch_size, dim=1):  # type: ignore[no-untyped-call]
            inputs, labels = task.training.batch(indices)
            with autocast(inputs.device, config.trainer.precision):
                logits = network(inputs)
            loss = per_replicate_loss(logits, labels)
            # Each replicate's loss depends on its own parameters alone, so the gradient of
            # the sum is every replicate's own gradient.
            loss.backward(torch.ones_like(loss))  # type: ignore[no-untyped-call]
            losses[:, step] = loss.detach()
            update(optimizer, _learning_rate(task, step))
            step += 1
            if step % _LOOK_EVERY == 0 and _all_dead(losses[:, :step]):
                return progress
            look(step)
    return progress


def _probe(task: Task, with_histograms: bool) -> list[Snapshot]:
    """Look at the first examples of each training split, in batches of the usual size."""
    indices = task.training_indices[:, : task.config.probe.examples]
    parts = -(-indices.shape[1] // task.config.trainer.batch_size)
    return measure(
        task.network,
        batches=lambda: map(task.training.batch, indices.tensor_split(parts, dim=1)),
        context=lambda: autocast(indices.device, task.config.trainer.precision),
        with_histograms=with_histograms,
    )


def _learning_rate(task: Task, step: int) -> float:
    config = task.config
    return learning_rate(
        config.schedule, config.optimizer.lr, step, task.steps, task.steps_per_epoch
    )


def _all_dead(losses: Tensor) -> bool:
    return not bool(torch.isfinite(losses).all(dim=1).any())


def _evaluate(task: Task, progress: Progress, step: int) -> None:
    """Add an evaluation on validation, and keep weights that are the best so far."""
    results = evaluate(
        task.network, task.validation, task.validation_indices, task.config.trainer.precision
    )
    before = int(progress.evaluations[-1][0]["step"]) if progress.evaluations else 0
    recent = progress.losses[:, before:step].cpu().numpy()
    rows = []
    for r, result in enumerate(results):
        row = {
            "step": step,
            "epoch": step / task.steps_per_epoch,
            "lr": _learning_rate(task, max(step - 1, 0)),
        }
        if step and np.isfinite(recent[r]).all():
            row["train/loss"] = float(recent[r].mean(dtype=np.float64))
        for name in ("loss", "accuracy"):
            if name in result:
                row[f"validation/{name}"] = result[name]
        rows.append(row)
        if task.config.trainer.save == "best" and "loss" in result:
            lowest, _ = progress.best.get(r, (math.inf, {}))
            if result["loss"] < lowest:
                progress.best[r] = (result["loss"], weights_of(task.network, r))
    progress.evaluations.append(rows)
