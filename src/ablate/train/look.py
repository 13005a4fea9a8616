"""Looks at the networks while they train: probe, validation, and the test set's logits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ablate.config.augment import Augment
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.nn.population import set_population_statistics
from ablate.probe.measure import Snapshot, measure
from ablate.train.evaluate import autocast, evaluate, logits_over_views
from ablate.train.prepare import Task
from ablate.train.progress import Progress, weights_of
from ablate.train.stopping import best_evaluation, is_over


def probe(task: Task, with_histograms: bool) -> list[Snapshot]:
    """Look at the first examples of each training split, in batches of the usual size."""
    indices = task.training_indices[:, : task.config.probe.examples]
    parts = -(-indices.shape[1] // task.config.trainer.batch_size)

    def batches(own: slice) -> Iterator[tuple[Tensor, Tensor]]:
        for some in indices.tensor_split(parts, dim=1):
            inputs, labels = task.training.batch(some)
            yield inputs[own], labels[own]

    return [
        snapshot
        for network, own in task.network.parts
        for snapshot in measure(
            network,
            batches=partial(batches, own),
            context=lambda: autocast(indices.device, task.config.trainer.precision),
            with_histograms=with_histograms,
        )
    ]


def evaluate_all(task: Task, progress: Progress, step: int, lr: float) -> None:
    """Add an evaluation on validation; keep weights, and note who is stopped."""
    settle_statistics(task)
    config = task.config
    results = evaluate(
        task.network, task.validation, task.validation_indices, config.trainer.precision,
        config.label_smoothing,
    )  # fmt: skip
    before = int(progress.evaluations[-1][0]["step"]) if progress.evaluations else 0
    recent = progress.losses[:, before:step].cpu().numpy()
    rows = []
    for r, result in enumerate(results):
        row = {"step": step, "epoch": step / task.steps_per_epoch, "lr": lr}
        if step and np.isfinite(recent[r]).all():
            row["train/loss"] = float(recent[r].mean(dtype=np.float64))
        for name in ("loss", "accuracy"):
            if name in result:
                row[f"validation/{name}"] = result[name]
        rows.append(row)
    progress.evaluations.append(rows)
    for r in range(len(rows)):
        if r not in progress.stopped:
            _keep(task, progress, r, step)


def history_of(progress: Progress, replicate: int, monitor: str) -> list[float]:
    """Return the monitored values of one replicate so far, NaN where one was not finite."""
    return [rows[replicate].get(monitor, math.nan) for rows in progress.evaluations]


def settle_statistics(task: Task) -> None:
    """Before a look at inference: take population statistics where the model asks for them."""
    model = task.config.model
    if isinstance(model, Target):
        return
    if model.statistics == "population" and model.norm in ("batch", "batch_after"):
        with autocast(task.training_indices.device, task.config.trainer.precision):
            set_population_statistics(task.network, task.population)


def final_logits(task: Task) -> npt.NDArray[np.float32]:
    """Return the test set's logits (R, N, K) as the networks stand, over the views asked for."""
    settle_statistics(task)
    return logits_over_views(
        task.network, task.test, task.test_indices, task.config.trainer.precision,
        task.config.augment if isinstance(task.config.augment, Augment) else Augment(),
    )  # fmt: skip


def _keep(task: Task, progress: Progress, r: int, step: int) -> None:
    """Keep the weights of the best evaluation, or of the last one of a stopped replicate."""
    stopping, save = task.config.stopping, task.config.trainer.save
    monitor = "validation/loss" if isinstance(stopping, NoStopping) else stopping.monitor
    history = history_of(progress, r, monitor)
    restored = not isinstance(stopping, NoStopping) and stopping.restore
    is_best = best_evaluation(history, monitor) == len(history) - 1
    if is_best and (restored or save == "best"):
        progress.best[r] = step, weights_of(task.network, r)
    if is_over(stopping, history):
        progress.stopped[r] = step
        if not restored:
            progress.ended[r] = weights_of(task.network, r)
