"""Who leads in a study, by how much, and which of its factors matters most: as numbers."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate import stats
from ablate.config import RunConfig
from ablate.report.circumstances import chance
from ablate.report.claim_metrics import measure
from ablate.report.columns import level_column
from ablate.report.frame import Frames
from ablate.report.run_arrays import Measure, of_common_replicates
from ablate.study.schema import Factor, Study


@dataclass(frozen=True, eq=False)
class Against:
    """The leader against another level, replicate by replicate.

    arms       the leader's runs and the other's, in the settings that both have
    evidence   of the leader's metric less the other's, in its unit as shown
    level      of its interval: 5 % shared by all pairs of levels, so that intervals hold
               together although the leader was chosen by looking at all
    is_behind  whether the other is shown worse
    """

    other: str
    arms: tuple[stats.Arm, stats.Arm]
    evidence: stats.Evidence
    level: float
    is_behind: bool

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The ends of its interval."""
        return self.evidence.limits(self.level)


@dataclass(frozen=True, eq=False)
class Lead:
    """The level of a factor with the best mean over all settings of the others.

    mean      the leader's, as stored; n/c runs count as guessing where that is known
    against   every other level that may be called best, from the second on
    baseline  the level that the study starts from, or its first; empty where that one leads
    lost      levels that cannot lead, as half or more of their runs did not converge
    """

    factor: Factor
    best: str
    mean: float
    unit: str
    against: tuple[Against, ...]
    baseline: str
    lost: tuple[str, ...] = ()

    def other(self, level: str) -> Against | None:
        """Return the comparison with a level; None where there is none."""
        return next((one for one in self.against if one.other == level), None)


@dataclass(frozen=True)
class Influence:
    """A factor with the mean of the metric at each of its levels, over all settings of the others.

    means  as stored, in order of size; n/c runs count as guessing where that is known
    """

    factor: Factor
    means: tuple[tuple[str, float], ...]

    @property
    def range(self) -> float:
        """The largest of these means less the smallest."""
        return self.means[-1][1] - self.means[0][1] if self.means else 0.0


def scored(study: Study, runs: pd.DataFrame, configs: Mapping[str, RunConfig]) -> pd.DataFrame:
    """Return runs that ended with `score`: their metric as stored, and of n/c runs a guess's.

    Where it is not known what guessing scores (a loss without a rule, steps) n/c runs have none.
    This is descriptive: no test is made of it.
    """
    ended = runs[runs["status"] != "failed"]
    guess = {cell: chance(study, configs.get(cell)) for cell in ended["cell"].unique()}
    guesses = ended["cell"].map(guess).astype(float)
    values = ended.get(study.metric.name, pd.Series(np.nan, index=ended.index)).astype(float)
    return ended.assign(score=values.where(ended["status"] == "done", guesses))


def influences(study: Study, scores: pd.DataFrame) -> list[Influence]:
    """Return the factors by the range of their marginal means, the largest first.

    The marginal mean of a level is the mean over its cells, each of which is the mean of its
    runs: no cell counts for more because more of its runs ended. In a grid that range is what
    changing this factor alone moves on average; in other designs it is a description.

    scores  as `scored` returns them, of a study of one part
    """
    found = []
    cells = scores.dropna(subset="score").groupby("cell", sort=False)
    means = cells["score"].mean()
    for factor in study.factors:
        levels = cells[level_column(factor.name)].first()
        by_level = means.groupby(levels).mean().sort_values(kind="stable")
        kept = tuple((str(n), float(m)) for n, m in by_level.items() if n in factor.level_names)
        found.append(Influence(factor, kept))
    return sorted(found, key=lambda one: -one.range)


def lead(study: Study, frames: Frames, scores: pd.DataFrame, factor: Factor) -> Lead | None:
    """Return which level of a factor leads, and how it compares with each of the others.

    Levels with half or more n/c runs cannot lead. All pairs of levels are one family (Holm), as
    the leader was chosen by looking at all of them. None where no level has a value.

    Raises ReportError where no run has the metric.
    """
    runs = measure(None, of_common_replicates(study, frames.runs), frames)
    sign = 1 if study.metric.better == "higher" else -1
    (found,) = (one for one in influences(study, scores) if one.factor == factor)
    means = {name: sign * mean for name, mean in found.means}
    arms = {name: runs.at({factor.name: (name,)}) for name in factor.level_names}
    lost = tuple(name for name in arms if 2 * arms[name].not_converged.mean() >= 1)
    able = [name for name in factor.level_names if name in means and name not in lost]
    if not able:
        return None
    order = sorted(able, key=lambda name: -means[name])
    compared = _pairs(runs, factor, order, sign)
    best = order[0]
    return Lead(
        factor=factor,
        best=best,
        mean=sign * means[best],
        unit=runs.unit,
        against=tuple(compared[best, name] for name in order[1:] if (best, name) in compared),
        baseline=_baseline(study, factor, best),
        lost=lost,
    )


def _pairs(
    runs: Measure, factor: Factor, order: list[str], sign: int
) -> dict[tuple[str, str], Against]:
    """Return all pairs of levels that have a setting in common, judged as one family."""
    arms = {pair: runs.pair(factor.name, *pair, {}) for pair in itertools.combinations(order, 2)}
    arms = {pair: two for pair, two in arms.items() if two[0].cells}
    evidence = {
        pair: stats.paired_effect(stats.pair_up(*two, runs.better), "greater", 0.0)
        for pair, two in arms.items()
    }
    levels = stats.holm_levels([one.p for one in evidence.values()], stats.ALPHA)
    return {
        pair: Against(
            other=pair[1],
            arms=arms[pair],
            evidence=one,
            level=stats.ALPHA / len(evidence),
            is_behind=(one.p_supported if sign > 0 else one.p_refuted) <= level,
        )
        for (pair, one), level in zip(evidence.items(), levels, strict=True)
    }


def _baseline(study: Study, factor: Factor, best: str) -> str:
    """Return the level whose keys the baseline sets as it does, else the first; not the best."""
    levels = [level for level in factor.levels if level.name in factor.level_names]
    same = [level.name for level in levels if level.overrides.items() <= study.baseline.items()]
    name = (same or [levels[0].name])[0]
    return "" if name == best else name
