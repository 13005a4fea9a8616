"""A whole training procedure of the user's own: a function, or a command."""

import time
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch

from ablate import user
from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.data import Data, split, training_labels
from ablate.errors import AblateError
from ablate.metrics import refuse_impossible
from ablate.records import NotConverged, Outcome, Record
from ablate.streams import Streams
from ablate.tasks import Task, build_task
from ablate.tasks.task import Outputs, Targets
from ablate.train.command import run_command
from ablate.train.convergence import first_nonfinite
from ablate.train.given import evaluations, finite, floats, numbers
from ablate.train.run import Run
from ablate.train.stopping import stopping_metrics
from ablate.train.told import Told
from ablate.train.user_metric import user_metric


def run_procedure(config: RunConfig, data: Data, streams: Streams, device: str) -> Record:
    """Train one replicate by the user's procedure and return its record.

    A function is called as f(config, data, streams, **arguments), `data` being the replicate's
    own split, with a `Run` as `run` if its signature names it; it returns metrics by name or an
    `Outcome`. What a command is given and gives, `run_command` says.

    A run is n/c where it says so, or where a metric, loss or prediction is not finite. Raises
    AblateError where the procedure returns something else, or the command fails.
    """
    started = time.perf_counter()
    procedure = config.trainer.procedure
    if procedure is not None:
        result, told = _called(procedure, config, data, streams, device, started)
    else:
        result, told = run_command(config, streams, device, started)
    source = _source(config)
    outcome = _together(source, _outcome(source, result), told)
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
    known = finite(metrics)
    losses = floats(source, "losses", outcome.losses)
    died = first_nonfinite(losses) if told.died is None else told.died
    reason: NotConverged | None = None if outcome.converged else "no_progress"
    if died is not None or len(known) < len(metrics) or not is_finite:
        reason = "nonfinite"
    if told.evaluations and died is None:
        end = int(told.evaluations[-1]["step"])
        known = stopping_metrics(config.stopping, told.evaluations, end) | known
    rows = outcome.evaluations
    return Record(
        metrics={name: float(value) for name, value in known.items()},
        seconds=time.perf_counter() - started,
        nc_reason=reason,
        diverged_at_step=died,
        evaluations=tuple(finite(row) for row in rows),
        evaluated_at=tuple(told.evaluated_at) or (0.0,) * len(rows),
        losses=losses[:died],
        probe=told.probe,
        predictions=predictions,
    )


def _called(
    procedure: Target, config: RunConfig, data: Data, streams: Streams, device: str, started: float
) -> tuple[Any, Told]:
    """Call a function of the user's own; return what it returned, and what it told before."""
    own = config.model_copy(deep=True)
    run = Run(own, lambda: build_task(config, data.task), device, _source(config), started)
    given = own, _split_of(config, data, streams), streams
    seeded = streams.seeded("init", "procedure", torch.device(device))
    with seeded, user.calling("trainer", procedure.target):
        result = user.call(procedure, "trainer", *given, run=run)
    return result, run.told()


def _together(source: str, outcome: Outcome, told: Told) -> Outcome:
    """Return an outcome with what was told before; raises AblateError for what is given twice."""
    for name in ("evaluations", "losses"):
        if len(getattr(outcome, name)) and len(getattr(told, name)):
            raise AblateError(
                f"{source} gives {name} while it trains and again at its end; give all of them "
                "in one place."
            )
    losses: Any = told.losses if len(told.losses) else outcome.losses
    return replace(outcome, evaluations=told.evaluations or outcome.evaluations, losses=losses)


def _predictions(
    config: RunConfig, data: Data, streams: Streams, task: Task, given: Any
) -> tuple[Outputs, Targets]:
    """Return what a procedure predicts of the test set, and what is there, both as scored.

    It was given targets in their own units, and predicts in these.
    """
    outputs, targets = floats(_source(config), "predictions", given), data.test[1]
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


def _outcome(source: str, result: Any) -> Outcome:
    """Read what a procedure returned: metrics by name, or the fields of an outcome."""
    if isinstance(result, Mapping):
        parts = {field.name for field in fields(Outcome)} - {"predictions"}
        whole = isinstance(result.get("metrics"), Mapping) and result.keys() <= parts
        result = Outcome(**result) if whole else Outcome(metrics=result)
    if not isinstance(result, Outcome) or not isinstance(result.metrics, Mapping):
        raise AblateError(
            f"{source} must give metrics as numbers by name, or an ablate.Outcome; it gave "
            f"{result!r:.80}."
        )
    metrics = numbers(source, "metrics", result.metrics)
    refuse_impossible(metrics, source)
    if not isinstance(result.converged, bool | np.bool_):
        raise AblateError(f"{source} gives converged = {result.converged!r}; it must be a bool.")
    return replace(result, metrics=metrics, evaluations=evaluations(source, result.evaluations))


def _source(config: RunConfig) -> str:
    path = config.trainer.target
    return "trainer.command" if path is None else f"trainer={path}"
