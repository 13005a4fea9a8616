"""A whole training procedure of the user's own: a function, or a command."""

import ctypes
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ablate import user
from ablate.config import RunConfig
from ablate.data import Data, split
from ablate.errors import AblateError
from ablate.metrics.scores import as_float16, scores
from ablate.records import NotConverged, Outcome, Record
from ablate.streams import Streams
from ablate.train.convergence import first_nonfinite
from ablate.train.user_metric import user_metric

_LINES = 5


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
        with streams.seeded("init", "procedure", torch.device(device)):
            result = user.call(procedure, "trainer", *given)
    else:
        result = _run_command(config, streams, device)
    outcome = result if isinstance(result, Outcome) else _outcome(config, result)
    metrics, predictions, is_finite = dict(outcome.metrics), None, True
    if outcome.predictions is not None:
        logits = np.asarray(outcome.predictions, dtype=np.float32)
        labels = data.test[1].numpy()
        if logits.shape != (len(labels), data.classes):
            raise AblateError(
                f"the training procedure returned predictions {logits.shape}; they must be "
                f"logits ({len(labels)}, {data.classes})."
            )
        metrics = {f"test/{name}": v for name, v in scores(logits, labels).items()} | metrics
        is_finite = bool(np.isfinite(logits).all())
        if is_finite:
            predictions = as_float16(logits)
            if config.metric is not None:
                metrics |= user_metric(config.metric, logits, labels)
    finite = _finite(metrics)
    losses = np.asarray(outcome.losses, dtype=np.float32)
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
    return Data((x[part.train], y[part.train]), validation, test, data.classes)


def _run_command(config: RunConfig, streams: Streams, device: str) -> Any:
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        given, asked = Path(folder) / "config.json", Path(folder) / "metrics.json"
        place = {"replicate": streams.replicate, "member": streams.member, "device": device}
        given.write_text(json.dumps(config.model_dump(mode="json") | place, indent=2))
        words = [
            word.replace("{config}", str(given)).replace("{metrics}", str(asked))
            for word in shlex.split(config.trainer.command or "")
        ]
        environment = {**os.environ, "ABLATE_CONFIG": str(given), "ABLATE_METRICS": str(asked)}
        try:
            done = subprocess.run(
                words, env=environment, capture_output=True, text=True, preexec_fn=_end_with_parent
            )
        except OSError as error:
            raise AblateError(f"trainer.command={words[0]}: {error.strerror}.") from error
        if done.returncode != 0:
            said = "\n".join(done.stderr.strip().splitlines()[-_LINES:])
            raise AblateError(f"trainer.command ended with exit code {done.returncode}: {said}")
        try:
            return json.loads(asked.read_text())
        except FileNotFoundError:
            raise AblateError(
                "trainer.command wrote no metrics: the file to write is in ABLATE_METRICS."
            ) from None
        except json.JSONDecodeError as error:
            raise AblateError(f"trainer.command wrote metrics that are no JSON: {error}.") from None


def _end_with_parent() -> None:
    """Let the kernel end a command whose worker was killed: nobody else would."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _outcome(config: RunConfig, result: Any) -> Outcome:
    """Read what a procedure returned: metrics by name, or the fields of an outcome."""
    if isinstance(result, Mapping):
        if not isinstance(result.get("metrics"), Mapping):
            result = Outcome(metrics=result)
        elif result.keys() <= {"metrics", "evaluations", "losses", "converged"}:
            result = Outcome(**result)
    if isinstance(result, Outcome) and all(
        isinstance(name, str) and isinstance(value, int | float)
        for name, value in result.metrics.items()
    ):
        return result
    source = config.trainer.target or "trainer.command"
    raise AblateError(
        f"{source} must give metrics as numbers by name, or an ablate.Outcome; it gave "
        f"{result!r:.80}."
    )


def _finite(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if math.isfinite(value)}
