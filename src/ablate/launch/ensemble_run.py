"""Forming an ensemble: from the members' stored predictions to a record like any other."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.config import RunConfig
from ablate.config.ensemble import EnsembleConfig, McDropout, NoEnsemble, Snapshot
from ablate.errors import AblateError
from ablate.records import Record
from ablate.store.reader import read_arrays
from ablate.store.result import Result, read_result
from ablate.tasks import Task
from ablate.tasks.task import Targets
from ablate.train.user_metric import user_metric


def form(config: RunConfig, task: Task, members: Sequence[Path], targets: Targets) -> Record:
    """Return the record of one replicate's ensemble.

    members   folders of the finished trainings behind it, in order
    targets   of the test set, (N, ...), in the units that the members trained on

    It is n/c as soon as one member is. Raises AblateError naming a member that has no result.
    """
    started = time.perf_counter()
    ensemble = config.ensemble
    assert not isinstance(ensemble, NoEnsemble)
    results = [_finished(member) for member in members]
    first = results[0]
    worst = next((one for one in results if one.status == "diverged"), first)
    stored = [
        read_arrays(member, "predictions", result)
        for member, result in zip(members, results, strict=True)
    ]
    scores: dict[str, float] = {}
    predictions = None
    if all(stored):  # else a loss was not finite
        outputs = _outputs(ensemble, stored)
        scores = task.ensemble_scores(outputs, targets, ensemble.combine)
        if isinstance(ensemble, Snapshot | McDropout):
            # How the one network behind them predicts as training left it.
            plain = task.scores(stored[0]["logits"].astype(np.float32), targets)
            scores |= {f"plain/{name}": value for name, value in plain.items() if name != "loss"}
        together = task.combine(outputs, ensemble.combine)
        if config.metric is not None:
            scores |= user_metric(config.metric, together, targets)
        predictions = task.stored(together, targets)
    networks = 1 if isinstance(ensemble, McDropout) else ensemble.size
    return Record(
        metrics=scores,
        seconds=time.perf_counter() - started,
        nc_reason=worst.nc_reason,  # type: ignore[arg-type]
        diverged_at_step=worst.diverged_at_step,
        predictions=predictions,
        parameters=networks * (first.parameters or 0),
        multiply_adds=ensemble.size * (first.multiply_adds or 0),
    )


def _finished(member: Path) -> Result:
    result = read_result(member)
    if result is None or result.status == "failed":
        raise AblateError(f"a member of this ensemble is missing: {member} has no finished run.")
    return result


def _outputs(
    ensemble: EnsembleConfig, stored: Sequence[Mapping[str, np.ndarray]]
) -> npt.NDArray[np.float32]:
    """Return the members' outputs (M, N, K)."""
    match ensemble:
        case Snapshot(size=size):
            chosen = stored[0]["members"][-size:]
        case McDropout(size=size):
            chosen = stored[0]["members"][:size]
        case _:
            chosen = np.stack([arrays["logits"] for arrays in stored])
    return np.asarray(chosen, dtype=np.float32)
