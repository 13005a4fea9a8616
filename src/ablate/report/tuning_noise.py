"""How sure the values are that tuning chose: what it adds to claims, and what pages say of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ablate import stats
from ablate.config import RunConfig
from ablate.report.circumstances import guessing
from ablate.report.run_arrays import Measure
from ablate.study.schema import Study, Tune

#: What `stats.paired_effect` adds where nothing is added.
_NOTHING = (0.0, np.inf)


def choice_variance(
    runs: Measure, arms: Sequence[stats.Arm], configs: Mapping[str, RunConfig]
) -> tuple[float, float]:
    """Return the variance that shared tuning adds to a difference of arms, and its freedom.

    (0, infinity) where each replicate has a choice of its own, where nothing is tuned, and where
    it cannot be known: under three tuning replicates, or where tuning runs lack the metric.
    """
    tune = runs.study.tune
    if tune is None or tune.nested or runs.tuning is None:
        return _NOTHING
    if not {runs.name, tune.by} <= set(runs.tuning):
        return _NOTHING
    tried = [
        [_tried(runs, tune, runs.tuning, cell, configs.get(cell)) for cell in arm.cells]
        for arm in arms
    ]
    known = [[one for one in arm if one is not None] for arm in tried]
    if [len(arm) for arm in known] != [len(arm) for arm in tried]:
        return _NOTHING
    return stats.tuning_variance(known) or _NOTHING


def _tried(
    runs: Measure, tune: Tune, tuning: pd.DataFrame, cell: str, config: RunConfig | None
) -> stats.Tried | None:
    """Return what the tuning runs of a cell scored; None where one is missing.

    As where the value is chosen, a run that did not converge scores what guessing does; of data
    whose classes nobody knows here, what the worst run of the cell does. What a procedure of the
    user's own reports counts whether or not the run converged. A cell in which nothing is tuned
    has one value that is always chosen.
    """
    rows = tuning[(tuning["cell"] == cell) & (tuning["replicate"] < tune.replicates)]
    if tune.only and rows.empty:
        return np.zeros((1, tune.replicates)), np.zeros(1)
    done = rows["status"] == "done"
    judged = runs.study.quantity(tune.by)
    sign = 1 if judged.better == "higher" else -1
    guess = guessing(tune.by, config)
    scores = sign * (rows[tune.by].where(done) if judged.chance else rows[tune.by])
    scores = scores.fillna(scores.min() if guess is None else sign * guess)
    table = rows.assign(score=scores, metric=runs.scale * rows[runs.name].where(done))
    ended = table[table["status"] != "failed"]
    score, metric = (
        ended.pivot(index="value", columns="replicate", values=name).reindex(
            index=list(tune.values), columns=range(tune.replicates)
        )
        for name in ("score", "metric")
    )
    if score.isna().to_numpy().any():
        return None
    return score.to_numpy(float), metric.T.mean().to_numpy(float)


def coverage_text(study: Study) -> str:
    """Say what the intervals of claims cover beside replicates, and what they do not."""
    covered = "Intervals cover what differs between replicates"
    examples = "the choice of test examples"
    tune = study.tune
    if tune is None:
        return f"{covered}, not {examples}."
    if tune.nested:
        return f"{covered}, and so the choice of {tune.key} that each makes; not {examples}."
    if tune.replicates < stats.LEAST_TUNING_REPLICATES:
        return f"{covered}, neither the choice of {tune.key} nor {examples}."
    return (
        f"{covered}, and where effects of final metrics are compared the choice of {tune.key}, by "
        f"a bootstrap of the {tune.replicates} tuning replicates that made it; not {examples}."
    )
