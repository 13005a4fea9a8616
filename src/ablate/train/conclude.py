"""From what training gathered to one record per replicate."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ablate.config.ensemble import McDropout, Snapshot
from ablate.data.views import view_count
from ablate.nn.network import parameter_count
from ablate.probe.measure import Reading, pack
from ablate.probe.weights import measure_weights
from ablate.records import Record
from ablate.tasks.task import Targets
from ablate.train import inference
from ablate.train.convergence import EXAMPLES, first_nonfinite
from ablate.train.evaluation import probe, units_of
from ablate.train.heads_scored import scores_beside
from ablate.train.history import History, Weights, weights_of
from ablate.train.penalties import is_weight
from ablate.train.prepare import Stack
from ablate.train.stopping import stopping_metrics
from ablate.train.user_metric import user_metric

_SMALL = 1e-3


@dataclass(frozen=True, eq=False)
class _Ends:
    """What the final networks of a stack were measured to do.

    scores    by part of the data, per replicate; empty where an output is not finite
    outputs   of the test set, (R, N, K)
    targets   trained on, (R, n, ...)
    tested    targets of the test set, (R, N, ...)
    members   outputs (M, R, N, K) of what one training gives an ensemble, or None
    beside    what heads are scored, per replicate
    readings  of the probe, per replicate, where early stopping ended some or was followed by
              another training; else empty
    weights   as `ablate.probe.weights` has them, per replicate; empty where nobody asks
    units     as `ablate.probe.units` has them, likewise
    """

    scores: Mapping[str, Sequence[Mapping[str, float]]]
    outputs: inference.Outputs
    targets: Targets
    tested: Targets
    members: inference.Outputs | None
    beside: Sequence[Mapping[str, float]]
    readings: Sequence[Reading]
    weights: Sequence[Mapping[str, np.ndarray]]
    units: Sequence[Mapping[str, float]]


def conclude(stack: Stack, history: History, started: float) -> list[Record]:
    """Measure the final networks and return one record per replicate.

    A replicate whose losses were not all finite gets no final metrics, and its records end
    at that step: nothing depends on when the loss was noticed. One whose last update alone
    spoilt it, so that its final training loss is not finite, diverged at the step that
    would have come next. One that was stopped early ends at the evaluation that stopped it.
    """
    state = stack.network.state_dict()
    for r, weights in history.ended.items():
        for name, value in weights.items():
            state[name][r] = torch.from_numpy(value).to(state[name].device)
    outputs = inference.final_outputs(stack)  # settles statistics for all that follows
    some = stack.training_indices[:, :EXAMPLES]
    train = inference.scores_of(stack, stack.training, some)
    seen = history.evaluations
    if history.held_out:
        validation = history.held_out  # it has been trained on since
    elif history.ended or not seen or seen[-1][0]["step"] < stack.steps:
        validation = inference.scores_of(stack, stack.validation, stack.validation_indices)
    else:
        validation = history.validation
    test = inference.scores_of(stack, stack.test, stack.test_indices, outputs)
    ends = _Ends(
        scores={"train": train, "validation": validation, "test": test},
        outputs=outputs,
        targets=stack.training.targets(stack.training_indices).cpu().numpy(),
        tested=stack.test.targets(stack.test_indices).cpu().numpy(),
        members=_members(stack, history),
        beside=scores_beside(stack),
        readings=(
            probe(stack, at_an_end=True)
            if (history.stopped or history.more) and stack.is_probed
            else ()
        ),
        weights=(
            measure_weights(stack.network, stack.training.inputs)
            if stack.config.probe.weights
            else ()
        ),
        units=units_of(stack) if stack.config.probe.units else (),
    )
    seconds = (time.perf_counter() - started) / len(stack.streams)
    return [_record(stack, history, ends, r, seconds) for r in range(len(stack.streams))]


def _record(stack: Stack, history: History, ends: _Ends, r: int, seconds: float) -> Record:
    """Return what one replicate leaves behind."""
    end = history.stopped.get(r, stack.steps)
    losses = history.losses[r, :end].cpu().numpy()
    trained = ends.scores["train"][r]
    died = first_nonfinite(losses)
    if died is None and stack.steps and not trained:
        died = end
    last = end if died is None else died
    evaluations = [rows[r] for rows in history.evaluations if rows[r]["step"] <= last]
    readings = {step: rows[r] for step, rows in history.readings.items() if step <= last}
    if died is None and (r in history.stopped or history.more) and ends.readings:
        readings[last] = ends.readings[r]
    at_any_rate = Record(
        metrics={},
        seconds=seconds,
        nc_reason="nonfinite",
        diverged_at_step=died,
        evaluations=tuple(evaluations),
        evaluated_at=tuple(history.evaluated_at[: len(evaluations)]),
        losses=losses[:last],
        probe=pack(stack.network.layer_names, readings),
        parameters=parameter_count(stack.network),
        multiply_adds=view_count(stack.config.views) * stack.network.multiply_adds
        + stack.test.scaling.multiply_adds,
    )
    if died is not None:
        return at_any_rate
    metrics = {
        f"{part}/{name}": value
        for part, scores_of_part in ends.scores.items()
        for name, value in scores_of_part[r].items()
    }
    metrics |= ends.beside[r]
    if stack.config.metric is not None and metrics:
        metrics |= user_metric(stack.config.metric, ends.outputs[r], ends.tested[r])
    learnt = not stack.steps or stack.task.learnt(trained, ends.targets[r])
    counted = {"weight_step": np.array(last), **ends.weights[r]} if ends.weights else {}
    metrics |= history.pretrained[r] if history.pretrained else {}
    metrics |= stopping_metrics(stack.config.stopping, evaluations, end)
    metrics |= {"stopping/more_steps": float(history.more[r])} if history.more else {}
    metrics |= _weights_like(stack, r)
    metrics |= ends.units[r] if ends.units else {}
    return replace(
        at_any_rate,
        metrics=metrics,
        probe={**at_any_rate.probe, **counted},
        nc_reason=None if learnt else "no_progress",
        predictions=_predictions(stack, ends.outputs[r], ends.tested[r]),
        members=(
            None
            if ends.members is None
            else _predictions(stack, ends.members[:, r], ends.tested[r])
        ),
        weights=_weights(stack, history, r),
    )


def _members(stack: Stack, history: History) -> inference.Outputs | None:
    """Return the outputs (M, R, N, K) of what one training gives an ensemble, or None."""
    ensemble = stack.config.ensemble
    if isinstance(ensemble, Snapshot) and history.members:
        missing = ensemble.snapshots - len(history.members)  # where nothing was left to train
        return np.stack(history.members + history.members[-1:] * missing)
    if isinstance(ensemble, McDropout):
        return inference.stochastic_outputs(stack, ensemble.passes)
    return None


def _weights_like(stack: Stack, r: int) -> dict[str, float]:
    """Return the norm of the weights that predict, and the shares that are zero and small."""
    flat = [p[r].detach().flatten() for p in stack.network.predicting() if is_weight(p)]
    if not flat:
        return {}
    weights = torch.cat(flat).double()
    return {
        "weights/norm": float(weights.norm()),
        "weights/zero": float((weights == 0).double().mean()),
        "weights/small": float((weights.abs() < _SMALL).double().mean()),
    }


def _predictions(
    stack: Stack, outputs: inference.Outputs, targets: Targets
) -> npt.NDArray[np.floating] | None:
    """Return outputs as they are stored, None if one is not finite."""
    return stack.task.stored(outputs, targets) if np.isfinite(outputs).all() else None


def _weights(stack: Stack, history: History, r: int) -> Weights | None:
    """Return the weights that `trainer.save` asks for."""
    save = stack.config.trainer.save
    if save == "best" and r in history.best and not history.more:
        return history.best[r]
    return None if save == "none" else weights_of(stack.network, r)
