"""From what training gathered to one record per replicate."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate import nn
from ablate.config.ensemble import McDropout, Snapshot
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.metrics.scores import as_float16, scores
from ablate.probe.measure import pack
from ablate.records import NotConverged, Record
from ablate.train.batches import Examples
from ablate.train.convergence import EXAMPLES, first_nonfinite, no_progress
from ablate.train.evaluate import evaluate, stochastic_logits
from ablate.train.look import final_logits, history_of, probe, settle_statistics
from ablate.train.penalties import is_weight
from ablate.train.prepare import Task
from ablate.train.progress import Progress, Weights, weights_of
from ablate.train.stopping import best_evaluation
from ablate.train.user_metric import user_metric

_SMALL = 1e-3

Logits = npt.NDArray[np.float32]


def conclude(task: Task, progress: Progress, started: float) -> list[Record]:
    """Measure the final networks and return one record per replicate.

    A replicate whose losses were not all finite gets no final metrics, and its records end
    at that step: nothing depends on when the loss was noticed. One whose last update alone
    spoilt it, so that its final training loss is not finite, diverged at the step that
    would have come next. One that was stopped early ends at the evaluation that stopped it.
    """
    _restore(task, progress)
    losses = progress.losses.cpu().numpy()
    labels = task.training.y[task.training_indices].cpu().numpy()
    labels_of_test = task.test.y.cpu().numpy()
    parts, outputs = _final_scores(task)
    members = _members(task, progress)
    cost = task.views * _multiply_adds(task, classes=outputs.shape[2])
    parameters = nn.parameter_count(task.network)
    with_end = progress.stopped and task.is_probed
    at_end = probe(task, with_histograms=True) if with_end else []
    seconds = (time.perf_counter() - started) / len(task.streams)
    records = []
    for r in range(len(task.streams)):
        train = parts["train"][r]
        end = progress.stopped.get(r, task.steps)
        died = first_nonfinite(losses[r, :end])
        if died is None and task.steps and not train:
            died = end
        last = end if died is None else died
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
        if task.config.metric is not None and final:
            final |= user_metric(task.config.metric, outputs[r], labels_of_test)
        seen = {step: rows[r] for step, rows in progress.snapshots.items() if step <= last}
        if r in progress.stopped and at_end and died is None:
            seen[last] = at_end[r]
        records.append(
            Record(
                status="done" if reason is None else "diverged",
                nc_reason=reason,
                diverged_at_step=died,
                metrics={**final, **_stopping(task, progress, r, end), **_weights_like(task, r)}
                if died is None
                else {},
                evaluations=tuple(progress.evaluations[i][r] for i in kept),
                evaluated_at=tuple(progress.evaluated_at[i] for i in kept),
                losses=losses[r, :last],
                probe=pack(task.network.layer_names, seen),
                predictions=_predictions(outputs[r]) if died is None else None,
                members=_predictions(members[:, r]) if members is not None and died is None
                else None,
                weights=_weights(task, progress, r) if died is None else None,
                parameters=parameters,
                multiply_adds=cost,
                seconds=seconds,
            )
        )  # fmt: skip
    return records


def _multiply_adds(task: Task, classes: int) -> int:
    """Return those of one network and example, without the test-time views."""
    config, inputs = task.config.model, task.training.inputs
    if isinstance(task.network, nn.UserNetwork | nn.UserStack):
        return task.network.multiply_adds(inputs)
    assert not isinstance(config, Target)
    return nn.multiply_adds(config, inputs, classes)


def _restore(task: Task, progress: Progress) -> None:
    """Give each replicate the weights it ends with, where training went on without it."""
    ends: dict[int, Weights] = dict(progress.ended)
    stopping = task.config.stopping
    if not isinstance(stopping, NoStopping) and stopping.restore:
        ends |= {r: weights for r, (_, weights) in progress.best.items()}
    state = task.network.state_dict()
    for r, weights in ends.items():
        for name, value in weights.items():
            state[name][r] = torch.from_numpy(value).to(state[name].device)


def _final_scores(task: Task) -> tuple[dict[str, list[dict[str, float]]], Logits]:
    """Return the scores by part of the data and replicate, and the test set's logits.

    Training examples are the first of each split, at most `convergence.EXAMPLES`.
    """
    precision, smoothing = task.config.trainer.precision, task.config.label_smoothing
    some = task.training_indices[:, :EXAMPLES]
    settle_statistics(task)

    def measured(data: Examples, indices: Tensor) -> list[dict[str, float]]:
        return evaluate(task.network, data, indices, precision, smoothing)

    train = measured(task.training, some)
    validation = measured(task.validation, task.validation_indices)
    outputs = final_logits(task)
    labels = task.test.y.cpu().numpy()
    test = [scores(output, labels, smoothing) for output in outputs]
    return {"train": train, "validation": validation, "test": test}, outputs


def _members(task: Task, progress: Progress) -> Logits | None:
    """Return the logits (M, R, N, K) of what one training gives an ensemble, or None."""
    ensemble = task.config.ensemble
    if isinstance(ensemble, Snapshot):
        missing = ensemble.snapshots - len(progress.members)  # where nothing was left to train
        return np.stack(progress.members + progress.members[-1:] * missing) if (
            progress.members
        ) else None  # fmt: skip
    if isinstance(ensemble, McDropout):
        return stochastic_logits(
            task.network, task.test, task.test_indices, task.config.trainer.precision,
            task.streams, ensemble.passes,
        )  # fmt: skip
    return None


def _stopping(task: Task, progress: Progress, r: int, end: int) -> dict[str, float]:
    """Return when early stopping ended training, and which evaluation was the best."""
    stopping = task.config.stopping
    if isinstance(stopping, NoStopping):
        return {}
    rows = [row[r] for row in progress.evaluations if row[r]["step"] <= end]
    best = best_evaluation(history_of(progress, r, stopping.monitor)[: len(rows)], stopping.monitor)
    step = rows[best]["step"] if best is not None else end
    return {"stopping/step": float(end), "stopping/best_step": float(step)}


def _weights_like(task: Task, r: int) -> dict[str, float]:
    """Return the norm of one replicate's weights, and the shares that are zero and small."""
    own = [p[r].detach().flatten() for p in task.network.parameters() if is_weight(p)]
    if not own:
        return {}
    weights = torch.cat(own).double()
    return {
        "weights/norm": float(weights.norm()),
        "weights/zero": float((weights == 0).double().mean()),
        "weights/small": float((weights.abs() < _SMALL).double().mean()),
    }


def _predictions(output: Logits) -> npt.NDArray[np.float16] | None:
    """Return logits as float16, None if one is not finite; large ones are clipped."""
    if not np.isfinite(output).all():
        return None
    return as_float16(output)


def _weights(task: Task, progress: Progress, replicate: int) -> Weights | None:
    match task.config.trainer.save:
        case "none":
            return None
        case "last":
            return weights_of(task.network, replicate)
        case "best":
            _, weights = progress.best.get(replicate, (0, None))
            return weights if weights is not None else weights_of(task.network, replicate)
