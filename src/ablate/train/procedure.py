"""A whole training procedure of the user's own: a function, or a command."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ablate import user
from ablate.config import RunConfig
from ablate.data import Data, split, training_labels
from ablate.errors import AblateError
from ablate.metrics import refuse_impossible
from ablate.records import NotConverged, Outcome, Record
from ablate.streams import Streams
from ablate.tasks import Task, build_task
from ablate.tasks.task import Outputs, Targets
from ablate.train.command import run_command
from ablate.train.convergence import first_nonfinite
from ablate.train.user_metric import user_metric


def run_procedure(config: RunConfig, data: Data, streams: Streams, device: str) -> Record:
    """Train one replicate by the user's procedure and return its record.

    A function is called as f(config, data, streams, **arguments), `data` being the replicate's
    own split; it returns metrics by name or an `Outcome`. A command finds its settings in the
    JSON file that `ABLATE_CONFIG` or `{config}` among its words names, and writes metrics to
    the one that `ABLATE_METRICS` or `{metrics}` names, by name or as the fields of an `Outcome`.

    A run is n/c where it says so, or where a metric, loss or prediction is not finite. Raises
    AblateError where the procedure returns something else, or the command fails.
    """
    started = time.perf_counter()
    procedure = config.trainer.procedure
    if procedure is not None:
        given = config.model_copy(deep=True), _split_of(config, data, streams), streams
        seeded = streams.seeded("init", "procedure", torch.device(device))
        with seeded, user.calling("trainer", procedure.target):
            result = user.call(procedure, "trainer", *given)
    else:
        result = run_command(config, streams, device)
    outcome = _outcome(config, result)
    metrics, predictions, is_finite = dict(outcome.metrics), None, True
    if outcome.predictions is not None:
        task = build_task(config, data.task)
        outputs, targets = _predictions(config, data, streams, task, outcome.predictions)
        scored = task.scores(outputs, targets).items()
        metrics = {f"test/{name}": value for name, value in scored} | metrics
        is_finite = bool(np.isfinite(outputs).all())
        if is_finite:
            predictions = task.stored(outputs, targets)
            if config.metric is not None:
                metrics |= user_metric(config.metric, outputs, targets)
    finite = _finite(metrics)
    losses = _floats(config, "losses", outcome.losses)
    died = first_nonfinite(losses)
    reason: NotConverged | None = None if outcome.converged else "no_progress"
    if died is not None or len(finite) < len(metrics) or not is_finite:
        reason = "nonfinite"
    return Record(
        metrics={name: float(value) for name, value in finite.items()},
        seconds=time.perf_counter() - started,
        nc_reason=reason,
        diverged_at_step=died,
        evaluations=tuple(_finite(row) for row in outcome.evaluations),
        evaluated_at=(0.0,) * len(outcome.evaluations),
        losses=losses[:died],
        predictions=predictions,
    )


def _predictions(
    config: RunConfig, data: Data, streams: Streams, task: Task, given: Any
) -> tuple[Outputs, Targets]:
    """Return what a procedure predicts of the test set, and what is there, both as scored.

    It was given targets in their own units, and predicts in these.
    """
    outputs, targets = _floats(config, "predictions", given), data.test[1]
    wanted = (len(targets), task.outputs(data.train[1], data.classes))
    if outputs.shape != wanted:
        raise AblateError(
            f"{_source(config)} returned predictions {outputs.shape}; they must be {wanted}."
        )
    trained = data.train[1][split(data, config.data, streams).train]
    both = (task.scaled(one, trained) for one in (torch.from_numpy(outputs), targets))
    first, second = (one.numpy() for one in both)
    return first, second


def _split_of(config: RunConfig, data: Data, streams: Streams) -> Data:
    """Return the data with the replicate's own training and validation examples.

    All of it copies: the procedure may change them in place, and the next run has `data` again.
    """
    part = split(data, config.data, streams)
    (x, y), validation = data.train, data.validation
    if part.validation is not None:
        validation = x[part.validation], y[part.validation]
    elif validation is not None:
        validation = validation[0].clone(), validation[1].clone()
    test = data.test[0].clone(), data.test[1].clone()
    labels = training_labels(data, config.data, streams)
    others = {
        name: replace(other, train=other.train[part.train], test=other.test.clone())
        for name, other in data.others.items()
    }
    return replace(
        data,
        train=(x[part.train], labels[part.train]),
        validation=validation,
        test=test,
        others=others,
    )


def _outcome(config: RunConfig, result: Any) -> Outcome:
    """Read what a procedure returned: metrics by name, or the fields of an outcome."""
    source = _source(config)
    if isinstance(result, Mapping):
        parts = {field.name for field in fields(Outcome)} - {"predictions"}
        whole = isinstance(result.get("metrics"), Mapping) and result.keys() <= parts
        result = Outcome(**result) if whole else Outcome(metrics=result)
    if not isinstance(result, Outcome) or not isinstance(result.metrics, Mapping):
        raise AblateError(
            f"{source} must give metrics as numbers by name, or an ablate.Outcome; it gave "
            f"{result!r:.80}."
        )
    metrics = _numbers(config, "metrics", result.metrics)
    evaluations = _rows(config, result.evaluations)
    for values in (metrics, *evaluations):
        refuse_impossible(values, source)
    if not isinstance(result.converged, bool | np.bool_):
        raise AblateError(f"{source} gives converged = {result.converged!r}; it must be a bool.")
    return replace(result, metrics=metrics, evaluations=evaluations)


def _rows(config: RunConfig, rows: Any) -> list[dict[str, float]]:
    """Return evaluations, each a mapping of numbers with a whole `step`."""
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise AblateError(
            f"{_source(config)} must give evaluations as a list of mappings; it gave {rows!r:.80}."
        )
    found = [_numbers(config, f"evaluations[{i}]", row) for i, row in enumerate(rows)]
    for i, row in enumerate(found):
        step = float(row.get("step", math.nan))
        if not step.is_integer() or step < 0:
            raise AblateError(
                f"{_source(config)} gives evaluations[{i}] with step = {step:g}; it must be a "
                "whole number from 0 on."
            )
    return [{**row, "step": int(row["step"])} for row in found]


def _numbers(config: RunConfig, part: str, values: Mapping[Any, Any]) -> dict[str, float]:
    """Return values by name as plain numbers; a tensor or array of one number is one."""
    found: dict[str, float] = {}
    for name, value in values.items():
        plain = value.item() if getattr(value, "ndim", None) == 0 else value
        if not isinstance(name, str) or not isinstance(plain, Real):
            raise AblateError(
                f"{_source(config)} must give {part} as numbers by name, or an ablate.Outcome; "
                f"it gave {name!r}: {value!r:.80}."
            )
        try:
            number = float(plain)
        except OverflowError:
            number = math.inf
        whole = isinstance(value, int) and not isinstance(value, bool)
        found[name] = value if whole and math.isfinite(number) else number
    return found


def _floats(config: RunConfig, part: str, values: Any) -> npt.NDArray[np.float32]:
    """Return numbers as an array: losses (steps,), predictions of any shape."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().float()
    try:
        found = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise AblateError(f"{_source(config)} gives {part} that are no numbers: {error}.") from None
    if part == "losses" and found.ndim != 1:
        raise AblateError(
            f"{_source(config)} gives losses {found.shape}; they must be a number per step."
        )
    return found


def _source(config: RunConfig) -> str:
    path = config.trainer.target
    return "trainer.command" if path is None else f"trainer={path}"


def _finite(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if math.isfinite(value)}
