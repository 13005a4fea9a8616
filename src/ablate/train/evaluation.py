"""Looks at the networks of a stack: probe, validation, and the test set's logits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ablate.probe.measure import Reading, measure
from ablate.train.batches import Examples
from ablate.train.history import History
from ablate.train.inference import autocast, evaluate, logits_over_views
from ablate.train.prepare import Stack
from ablate.train.stopping import keep_and_stop


def probe(stack: Stack, with_histograms: bool) -> list[Reading]:
    """Look at the first examples of each training split, in batches of the usual size."""
    indices = stack.training_indices[:, : stack.config.probe.examples]
    parts = -(-indices.shape[1] // stack.config.trainer.batch_size)

    def batches(own: slice) -> Iterator[tuple[Tensor, Tensor]]:
        for some in indices.tensor_split(parts, dim=1):
            inputs, labels = stack.training.batch(some)
            yield inputs[own], labels[own]

    return [
        reading
        for network, own in stack.network.parts
        for reading in measure(
            network,
            batches=partial(batches, own),
            context=lambda: autocast(indices.device, stack.config.trainer.precision),
            with_histograms=with_histograms,
        )
    ]


def evaluate_all(stack: Stack, history: History, step: int, lr: float) -> None:
    """Add an evaluation on validation; keep weights, and note who is stopped."""
    settle_statistics(stack)
    results = scores_of(stack, stack.validation, stack.validation_indices)
    before = int(history.evaluations[-1][0]["step"]) if history.evaluations else 0
    recent = history.losses[:, before:step].cpu().numpy()
    rows = []
    for r, result in enumerate(results):
        row = {"step": step, "epoch": step / stack.steps_per_epoch, "lr": lr}
        if step and np.isfinite(recent[r]).all():
            row["train/loss"] = float(recent[r].mean(dtype=np.float64))
        for name in ("loss", "accuracy"):
            if name in result:
                row[f"validation/{name}"] = result[name]
        rows.append(row)
    history.evaluations.append(rows)
    for r in range(len(rows)):
        if r not in history.stopped:
            keep_and_stop(stack, history, r, step)


def scores_of(stack: Stack, data: Examples, indices: Tensor) -> list[dict[str, float]]:
    """Return the scores of each replicate, as it stands, on its examples `indices` (R, n)."""
    config = stack.config
    return evaluate(stack.network, data, indices, config.trainer.precision, config.label_smoothing)


def settle_statistics(stack: Stack) -> None:
    """Before a look at inference: take population statistics where the model asks for them."""
    with autocast(stack.training_indices.device, stack.config.trainer.precision):
        stack.network.settle_statistics(stack.population)


def final_logits(stack: Stack) -> npt.NDArray[np.float32]:
    """Return the test set's logits (R, N, K) as the networks stand, over the views asked for."""
    settle_statistics(stack)
    config = stack.config
    return logits_over_views(
        stack.network, stack.test, stack.test_indices, config.trainer.precision, config.views
    )
