"""When to stop, from the monitored values at the evaluations so far, and which weights to keep."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ablate.config.stopping import NoStopping, Patience, StoppingConfig
from ablate.metrics import quantity
from ablate.train.history import History, weights_of
from ablate.train.prepare import Stack
from ablate.train.schedules import stalls


def best_evaluation(history: Sequence[float], monitor: str) -> int | None:
    """Return the index of the best value, the first of equals; None where none is a number.

    history   monitored values in order, NaN where there is none
    monitor   a score on validation: `validation/accuracy` is better when higher
    """
    values = np.asarray(history, dtype=np.float64)
    if quantity(monitor).better == "higher":
        values = -values
    finite = np.isfinite(values)
    return int(np.where(finite, values, np.inf).argmin()) if finite.any() else None


def is_over(stopping: StoppingConfig, history: Sequence[float]) -> bool:
    """Tell whether `patience` evaluations in a row brought nothing better than before them.

    The first evaluation, before any training, counts: it is the value to be bettered.
    """
    return not isinstance(stopping, NoStopping) and stalls(stopping, history) > 0


def stopping_metrics(
    stopping: StoppingConfig, evaluations: Sequence[Mapping[str, float]], end: int
) -> dict[str, float]:
    """Return when early stopping ended training, and which evaluation was the best.

    end  the last step, whether or not it was stopped there
    """
    if isinstance(stopping, NoStopping):
        return {}
    step = best_step(stopping, evaluations, end)
    return {"stopping/step": float(end), "stopping/best_step": float(step)}


def best_step(
    stopping: Patience, evaluations: Sequence[Mapping[str, float]], otherwise: int = 0
) -> int:
    """Return the step of the best evaluation, `otherwise` where none is a number."""
    seen = [row.get(stopping.monitor, math.nan) for row in evaluations]
    best = best_evaluation(seen, stopping.monitor)
    return otherwise if best is None else int(evaluations[best]["step"])


def keep_and_stop(stack: Stack, history: History, r: int, step: int) -> None:
    """Keep the weights of the best evaluation, or of the last one of a stopped replicate."""
    stopping = stack.config.stopping
    monitor = "validation/loss" if isinstance(stopping, NoStopping) else stopping.monitor
    restored = not isinstance(stopping, NoStopping) and stopping.restore
    seen = history.monitored(r, monitor)
    is_best = best_evaluation(seen, monitor) == len(seen) - 1
    if is_over(stopping, seen):
        history.stopped[r] = step
    if (restored and is_best) or (not restored and r in history.stopped):
        history.ended[r] = weights_of(stack.network, r)
    if is_best and stack.config.trainer.save == "best":
        history.best[r] = weights_of(stack.network, r)
