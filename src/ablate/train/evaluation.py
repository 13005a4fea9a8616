"""Looks at the networks of a stack while they train: probe and validation."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from torch import Tensor

from ablate.probe.measure import Reading, measure
from ablate.probe.units import measure_units
from ablate.train.convergence import EXAMPLES
from ablate.train.history import History
from ablate.train.inference import scores_of, settle_statistics
from ablate.train.prepare import Stack
from ablate.train.stopping import keep_and_stop


def probe(stack: Stack, at_an_end: bool) -> list[Reading]:
    """Look at the first examples of each training split, in batches of the usual size.

    at_an_end  of training, where histograms are taken if the config asks for them
    """
    with_histograms = at_an_end and stack.config.probe.histograms
    indices = stack.training_indices[:, : stack.config.probe.examples]
    parts = -(-indices.shape[1] // stack.config.trainer.batch_size)

    def batches(own: slice) -> Iterator[tuple[Tensor, Tensor]]:
        for some in indices.tensor_split(parts, dim=1):
            inputs, targets = stack.training.batch(some)
            yield inputs[own], targets[own]

    return [
        reading
        for network, own in stack.network.parts
        for reading in measure(
            network, partial(batches, own), stack.task.total, stack.autocast, with_histograms
        )
    ]


def units_of(stack: Stack) -> list[dict[str, float]]:
    """Return how alike the units of each replicate's layers are, on the probe's examples."""
    indices = stack.training_indices[:, : stack.config.probe.examples]
    inputs, _ = stack.training.batch(indices)
    return [
        measured
        for network, own in stack.network.parts
        for measured in measure_units(network, inputs[own], stack.autocast)
    ]


def evaluate_all(stack: Stack, history: History, step: int, lr: float) -> None:
    """Add an evaluation on validation, and on training where the config asks for it.

    Keep weights, and note who is stopped.
    """
    settle_statistics(stack)
    watched = stack.task.watched
    before = int(history.evaluations[-1][0]["step"]) if history.evaluations else 0
    recent = history.losses[:, before:step].cpu().numpy()
    results = scores_of(stack, stack.validation, stack.validation_indices)
    trained: list[dict[str, float]] = []
    if stack.config.probe.train_accuracy:
        trained = scores_of(stack, stack.training, stack.training_indices[:, :EXAMPLES])
    history.validation, rows = results, []
    for r, (own, scores) in enumerate(zip(recent, results, strict=True)):
        row = {"step": step, "epoch": step / stack.steps_per_epoch, "lr": lr}
        if step and np.isfinite(own).all():
            row["train/loss"] = float(own.mean(dtype=np.float64))
        row |= {f"validation/{n}": scores[n] for n in ("loss", watched) if n in scores}
        if trained and watched in trained[r]:
            row[f"train/{watched}"] = trained[r][watched]
        rows.append(row)
    history.evaluations.append(rows)
    for r in range(len(rows)):
        if r not in history.stopped:
            keep_and_stop(stack, history, r, step)
