"""Forming an ensemble: from the members' stored predictions to a record like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.config import RunConfig
from ablate.config.ensemble import McDropout, NoEnsemble, Snapshot
from ablate.errors import AblateError
from ablate.metrics.scores import as_float16
from ablate.metrics.scores import scores as scores_of
from ablate.records import Record
from ablate.store.reader import read_arrays
from ablate.store.result import Result, read_result
from ablate.train.ensembles import combine, ensemble_scores
from ablate.train.user_metric import user_metric


def form(config: RunConfig, members: Sequence[Path], labels: npt.NDArray[np.int64]) -> Record:
    """Return the record of one replicate's ensemble.

    members   folders of the finished trainings behind it, in order
    labels    of the test set, (N,)

    It is n/c as soon as one member is. Raises AblateError naming a member that has no result.
    """
    started = time.perf_counter()
    assert not isinstance(config.ensemble, NoEnsemble)
    results = [_finished(member) for member in members]
    not_converged = next((one for one in results if one.status == "diverged"), None)
    logits = _logits(config, members, results)
    scores: dict[str, float] = {}
    predictions = None
    if logits is not None:
        scores = ensemble_scores(logits, labels, config.ensemble.combine)
        scores |= _without_company(config, members[0], results[0], labels)
        log_p = combine(logits, config.ensemble.combine)
        if config.metric is not None:
            scores |= user_metric(config.metric, log_p, labels)
        predictions = as_float16(log_p)
    one = results[0]
    size = config.ensemble.size
    networks = 1 if isinstance(config.ensemble, McDropout) else size
    return Record(
        metrics=scores,
        seconds=time.perf_counter() - started,
        nc_reason=None if not_converged is None else not_converged.nc_reason,  # type: ignore[arg-type]
        diverged_at_step=None if not_converged is None else not_converged.diverged_at_step,
        predictions=predictions,
        parameters=networks * (one.parameters or 0),
        multiply_adds=size * (one.multiply_adds or 0),
    )


def _without_company(
    config: RunConfig, member: Path, result: Result, labels: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return how the one network behind snapshots or masks predicts as training left it."""
    if not isinstance(config.ensemble, Snapshot | McDropout):
        return {}
    logits = read_arrays(member, "predictions.npz", result)["logits"]
    return {
        f"plain/{name}": value
        for name, value in scores_of(logits.astype(np.float32), labels).items()
        if name != "loss"
    }


def _finished(member: Path) -> Result:
    result = read_result(member)
    if result is None or result.status == "failed":
        raise AblateError(f"a member of this ensemble is missing: {member} has no finished run.")
    return result


def _logits(
    config: RunConfig, members: Sequence[Path], results: Sequence[Result]
) -> npt.NDArray[np.float32] | None:
    """Return the members' logits (M, N, K); None where a loss was not finite."""
    stored = [
        read_arrays(member, "predictions.npz", result)
        for member, result in zip(members, results, strict=True)
    ]
    if not all(stored):
        return None
    ensemble = config.ensemble
    if isinstance(ensemble, Snapshot):
        chosen = stored[0]["members"][-ensemble.size :]
    elif isinstance(ensemble, McDropout):
        chosen = stored[0]["members"][: ensemble.size]
    else:
        chosen = np.stack([arrays["logits"] for arrays in stored])
    return np.asarray(chosen, dtype=np.float32)
