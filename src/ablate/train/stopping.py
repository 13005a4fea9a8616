"""When to stop: pure functions of the monitored values at the evaluations so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ablate.config.stopping import NoStopping, StoppingConfig


def best_evaluation(history: Sequence[float], monitor: str) -> int | None:
    """Return the index of the best value, the first of equals; None where none is a number.

    history   monitored values in order, NaN where there is none
    monitor   `validation/accuracy` is better when higher, `validation/loss` when lower
    """
    values = np.asarray(history, dtype=np.float64)
    if not np.isfinite(values).any():
        return None
    if monitor.endswith("accuracy"):
        values = -values
    return int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))


def is_over(stopping: StoppingConfig, history: Sequence[float]) -> bool:
    """Tell whether the last `patience` evaluations brought nothing better than before them.

    The first evaluation, before any training, counts: it is the value to be bettered.
    """
    if isinstance(stopping, NoStopping):
        return False
    best = best_evaluation(history, stopping.monitor)
    since = len(history) if best is None else len(history) - 1 - best
    return since >= stopping.patience
