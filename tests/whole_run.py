"""A run of the ledger read whole, as tests look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablate.store.reader import read_arrays, read_config, read_evaluations, read_times
from ablate.store.result import Result, read_result


@dataclass(frozen=True, eq=False)
class Run:
    """Everything about a run but its weights; arrays as in `ablate.records.Record`.

    started   UTC in ISO 8601 with milliseconds; None where a run failed before it began
    """

    result: Result
    config: Mapping[str, Any]
    evaluations: tuple[Mapping[str, float], ...]
    started: str | None
    evaluated_at: tuple[float, ...]
    losses: np.ndarray
    probe: Mapping[str, np.ndarray]
    predictions: np.ndarray | None


def read_run(directory: Path) -> Run | None:
    """Return everything about a run but its weights, None for an unfinished one.

    Files are held against the digests in `result.json`; raises LedgerError naming the file.
    """
    result = read_result(directory)
    if result is None:
        return None
    started, evaluated_at = read_times(directory, result)
    predictions = read_arrays(directory, "predictions", result)
    return Run(
        result=result,
        config=read_config(directory, result),
        evaluations=read_evaluations(directory, result),
        started=started,
        evaluated_at=evaluated_at,
        losses=read_arrays(directory, "curve", result).get("loss", np.empty(0, np.float32)),
        probe=read_arrays(directory, "probe", result),
        predictions=predictions.get("logits"),
    )
