"""Which of the tried values each cell is scored with."""

import math
from collections.abc import Sequence
from pathlib import Path

from ablate import data
from ablate.errors import AblateError, one_of
from ablate.store.files import LedgerError
from ablate.store.ledger import run_directory
from ablate.store.result import read_result
from ablate.study.names import level_name
from ablate.study.plan import Cell, Plan
from ablate.study.schema import Tune


def choose(plan: Plan, root: Path) -> dict[str, tuple[float, ...]]:
    """Return the tuned value of each scored replicate, by slug of cells whose tuning is complete.

    The value with the best mean of the declared validation metric wins, the first declared of
    equals; a run that did not converge scores what guessing does. By what a procedure of the
    user's own reports, the lowest mean wins; a run that did not converge has what it reports, and
    without a report it is the worst. Where tuning is nested, replicate r has the value that is
    best in tuning run r; else all have the one that is best over all tuning runs. An A/A control
    that is not tuned by itself has its original's. Cells in which nothing is tuned are left out.

    A cell waits for all its tuning runs, so that which replicates train as one stack does not
    depend on which came first. Validation only: the test set is not looked at. Raises AblateError
    where a procedure of the user's own does not report it.
    """
    tune = plan.study.tune
    if tune is None:
        return {}
    chosen: dict[str, tuple[float, ...]] = {}
    for cell in plan.tuned_cells:
        scores = [_scores(plan, root, cell, tune, value) for value in tune.values]
        by_value = [one for one in scores if one is not None]
        if len(by_value) < len(scores):
            continue
        if tune.nested:
            each = zip(*by_value, strict=True)
            chosen[cell.slug] = tuple(_best(tune.values, one) for one in each)
        else:
            best = _best(tune.values, [sum(one) / len(one) for one in by_value])
            chosen[cell.slug] = (best,) * plan.replicates_of(cell)
    for cell in plan.cells:
        shares = cell.config.control and plan.is_tuned(cell) and not tune.nested
        if cell.slug not in chosen and shares:
            of = chosen.get(plan.original(cell).slug)
            chosen |= {cell.slug: of[:1] * plan.replicates_of(cell)} if of else {}
    return chosen


def _best(values: Sequence[float], scores: Sequence[float]) -> float:
    return max(zip(values, scores, strict=True), key=lambda one: one[1])[0]


def _scores(
    plan: Plan, root: Path, cell: Cell, tune: Tune, value: float
) -> tuple[float, ...] | None:
    """Return the score of each tuning replicate, larger is better; None if one is missing."""
    judged = plan.study.quantity(tune.by)
    guessed = judged.chance(data.outputs_of(cell.config.data)) if judged.chance else None
    sign = 1 if judged.better == "higher" else -1
    branch, scores = level_name(value), list[float]()
    for number in range(plan.tuning_replicates_of(cell)):
        try:
            result = read_result(run_directory(root, plan.study.name, cell.slug, number, branch))
        except LedgerError:  # it is trained again
            return None
        if result is None or result.status == "failed":
            return None
        not_converged = result.status == "diverged"
        lacks = not not_converged and tune.by not in result.metrics
        if lacks and cell.config.trainer.is_user_code:
            there = one_of(sorted(result.metrics))
            raise AblateError(
                f"{cell.name}: {tune.key} is tuned by {tune.by}, and the training procedure "
                f"reports {there}."
            )
        score = result.metrics.get(tune.by, math.inf if guessed is None else guessed)
        scores.append(sign * (guessed if not_converged and guessed is not None else score))
    return tuple(scores)
