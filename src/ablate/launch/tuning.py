"""Which of the tried values each cell is scored with."""

from pathlib import Path

from ablate import data
from ablate.metrics import quantity
from ablate.store.files import LedgerError
from ablate.store.ledger import run_directory
from ablate.store.result import read_result
from ablate.study.names import level_name
from ablate.study.plan import Cell, Plan
from ablate.study.schema import Tune


def choose(plan: Plan, root: Path) -> dict[str, float]:
    """Return the tuned value of each cell whose tuning is complete, by slug.

    The value with the best mean of the declared validation metric wins, the first declared of
    equals; a run that did not converge scores what guessing does. Validation only: the test set
    is not looked at.
    """
    tune = plan.study.tune
    if tune is None:
        return {}
    chosen = {}
    for cell in plan.cells:
        found = {value: _score(plan, root, cell, tune, value) for value in tune.values}
        scores = {value: score for value, score in found.items() if score is not None}
        if len(scores) == len(found):
            chosen[cell.slug] = max(scores, key=lambda value: scores[value])
    return chosen


def _score(plan: Plan, root: Path, cell: Cell, tune: Tune, value: float) -> float | None:
    """Return the mean over the tuning replicates, larger is better; None if one is missing."""
    judged = quantity(tune.by)
    assert judged.chance is not None
    guessed = judged.chance(data.classes_of(cell.config.data))
    branch, total = level_name(value), 0.0
    for number in range(tune.replicates):
        try:
            result = read_result(run_directory(root, plan.study.name, cell.slug, number, branch))
        except LedgerError:  # it is trained again
            return None
        if result is None or result.status == "failed":
            return None
        not_converged = result.status == "diverged"
        total += guessed if not_converged else result.metrics.get(tune.by, guessed)
    return (total if judged.better == "higher" else -total) / tune.replicates
