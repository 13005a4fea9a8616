"""From what training gathered to one record per replicate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ablate import nn
from ablate.probe.measure import Snapshot, pack
from ablate.records import NotConverged, Record
from ablate.train.convergence import EXAMPLES, first_nonfinite, no_progress
from ablate.train.evaluate import evaluate, logits
from ablate.train.metrics import scores
from ablate.train.prepare import Task

_FLOAT16_MAX = 65504.0

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Progress:
    """What training gathers as it goes, for all R replicates of a stack.

    losses        (R, steps) on the device, filled up to the last step taken
    evaluations   per evaluation, a mapping per replicate
    evaluated_at  seconds since the start, per evaluation
    snapshots     by probed step, one per replicate
    best          per replicate the lowest validation loss and the weights that had it; kept
                  up to date where `trainer.save` is `best`
    """

    losses: Tensor
    evaluations: list[list[dict[str, float]]] = field(default_factory=list)
    evaluated_at: list[float] = field(default_factory=list)
    snapshots: dict[int, list[Snapshot]] = field(default_factory=dict)
    best: dict[int, tuple[float, Weights]] = field(default_factory=dict)


def weights_of(network: nn.Network, replicate: int) -> Weights:
    """Return a copy of one replicate's parameters and buffers by name."""
    return {name: t[replicate].cpu().numpy().copy() for name, t in network.state_dict().items()}


def conclude(task: Task, progress: Progress, started: float) -> list[Record]:
    """Measure the final networks and return one record per replicate.

    A replicate whose losses were not all finite gets no final metrics, and its records end
    at that step: nothing depends on when the loss was noticed. One whose last update alone
    spoilt it, so that its final training loss is not finite, diverged at the step that
    would have come next.
    """
    losses = progress.losses.cpu().numpy()
    labels = task.training.y[task.training_indices].cpu().numpy()
    parts, outputs = _final_scores(task)
    counts = nn.parameter_count(task.network), nn.multiply_adds(task.network, task.training.inputs)
    seconds = (time.perf_counter() - started) / len(task.streams)
    records = []
    for r in range(len(task.streams)):
        train = parts["train"][r]
        died = first_nonfinite(losses[r])
        if died is None and task.steps and not train:
            died = task.steps
        last = task.steps if died is None else died
        reason: NotConverged | None = None
        if died is not None:
            reason = "nonfinite"
        elif task.steps and no_progress(train, labels[r]):
            reason = "no_progress"
        kept = [i for i, rows in enumerate(progress.evaluations) if rows[r]["step"] <= last]
        final = {
            f"{part}/{name}": value
            for part, scores_of in parts.items()
            for name, value in scores_of[r].items()
        }
        seen = {step: rows[r] for step, rows in progress.snapshots.items() if step <= last}
        records.append(
            Record(
                status="done" if reason is None else "diverged",
                nc_reason=reason,
                diverged_at_step=died,
                metrics=final if died is None else {},
                evaluations=tuple(progress.evaluations[i][r] for i in kept),
                evaluated_at=tuple(progress.evaluated_at[i] for i in kept),
                losses=losses[r, :last],
                probe=pack(task.network.layer_names, seen),
                predictions=_predictions(outputs[r]) if died is None else None,
                weights=_weights(task, progress, r) if died is None else None,
                parameters=counts[0],
                multiply_adds=counts[1],
                seconds=seconds,
            )
        )
    return records


def _final_scores(
    task: Task,
) -> tuple[dict[str, list[dict[str, float]]], npt.NDArray[np.float32]]:
    """Return the scores by part of the data and replicate, and the test set's logits.

    Training examples are the first of each split, at most `convergence.EXAMPLES`.
    """
    network, precision = task.network, task.config.trainer.precision
    some = task.training_indices[:, :EXAMPLES]
    outputs = logits(network, task.test, task.test_indices, precision)
    labels = task.test.y.cpu().numpy()
    return {
        "train": evaluate(network, task.training, some, precision),
        "validation": evaluate(network, task.validation, task.validation_indices, precision),
        "test": [scores(output, labels) for output in outputs],
    }, outputs


def _predictions(output: npt.NDArray[np.float32]) -> npt.NDArray[np.float16] | None:
    """Return logits as float16, None if one is not finite; large ones are clipped."""
    if not np.isfinite(output).all():
        return None
    return output.clip(-_FLOAT16_MAX, _FLOAT16_MAX).astype(np.float16)


def _weights(task: Task, progress: Progress, replicate: int) -> Weights | None:
    match task.config.trainer.save:
        case "none":
            return None
        case "last":
            return weights_of(task.network, replicate)
        case "best":
            _, weights = progress.best.get(replicate, (0.0, None))
            return weights if weights is not None else weights_of(task.network, replicate)
