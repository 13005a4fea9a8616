"""Measured runs as arms of a comparison: a row per setting, a column per replicate."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ablate.metrics import Better
from ablate.report.columns import level_column
from ablate.stats import Arm
from ablate.study.claims import Rule
from ablate.study.schema import Study

#: The level of every factor, in the study's order.
Setting = tuple[str, ...]


def arm_of(cells: Sequence[pd.DataFrame], replicates: int) -> Arm:
    """Return the arm of some cells, each by the rows of its measured runs.

    Where there are none it is one row of missing runs.
    """
    shape = (max(1, len(cells)), replicates)
    values, not_converged = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    for i, runs in enumerate(cells):
        kept = runs[runs["replicate"] < replicates]
        r = kept["replicate"].to_numpy(int)
        values[i, r], not_converged[i, r] = kept["value"], kept["not_converged"]
    return Arm(
        values, not_converged, tuple(str(name) for runs in cells for name in runs["cell"][:1])
    )


def asked_of(study: Study, runs: pd.DataFrame) -> int:
    """Return how many replicates were asked of a cell that has these runs.

    In a study with looks it is the look that they reach; a failed run was asked for as well.
    """
    there = int(runs["replicate"].max()) + 1 if len(runs) else 0
    return study.look_with(there)


def of_common_replicates(study: Study, runs: pd.DataFrame) -> Study:
    """Return the study with the replicates that all its cells have, where looks make them differ.

    For what compares all cells at once and is about no claim.
    """
    if not study.looks:
        return study
    counts = [asked_of(study, own) for _, own in runs.groupby("cell")]
    return study.of_replicates(min(counts, default=study.looks[0]))


def runs_asked(study: Study, runs: pd.DataFrame, cells: int) -> int:
    """Return how many runs were asked of so many cells, of which some may have none yet."""
    known = [asked_of(study, own) for _, own in runs.groupby("cell")]
    return sum(known) + (cells - len(known)) * study.all_looks[0]


@dataclass(frozen=True, eq=False)
class Measure:
    """A quantity of every run that finished, looked up by levels where the study has one part.

    values  the frame of runs with value (as shown; NaN where there is none) and not_converged,
            whether the run counts as n/c for it
    unit    `points`, `steps`, `nats` or nothing
    better  what an n/c run is worse than
    layer   of a probe's quantity; for theories
    name    of a final metric, whose stored values are multiplied by `scale`; empty of another
    tuning  the frame of tuning runs, where `name` is that of a final metric
    absent  cells whose finished runs all lack it, as the step at which one stopped that never did
    """

    study: Study
    values: pd.DataFrame
    unit: str
    better: Better
    layer: int = 0
    name: str = ""
    scale: float = 1.0
    tuning: pd.DataFrame | None = None
    absent: frozenset[str] = frozenset()

    @cached_property
    def _by_setting(self) -> dict[Setting, pd.DataFrame]:
        columns = [level_column(factor.name) for factor in self.study.factors]
        groups = self.values.groupby(columns, sort=False) if columns else [((), self.values)]
        return {tuple(map(str, levels)): rows for levels, rows in groups}

    def settings(self, fixed: Rule) -> list[Setting]:
        """Return every cell that has runs and lies at `fixed`."""
        choices = [
            fixed.get(factor.name, tuple(level.name for level in factor.levels))
            for factor in self.study.factors
        ]
        return [levels for levels in itertools.product(*choices) if levels in self._by_setting]

    def arm(self, settings: Sequence[Setting]) -> Arm:
        """Return the runs of cells."""
        return arm_of([self._by_setting[levels] for levels in settings], self.study.replicates)

    def at(self, fixed: Rule) -> Arm:
        """Return the runs of every cell that lies at `fixed`."""
        return self.arm(self.settings(fixed))

    def pair(self, factor: str, a: str, b: str, at: Mapping[str, Setting]) -> tuple[Arm, Arm]:
        """Return two arms whose rows are the settings that both levels have."""
        place = [f.name for f in self.study.factors].index(factor)
        first, second = (
            {levels[:place] + levels[place + 1 :]: levels for levels in self.settings(fixed)}
            for fixed in ({**at, factor: (a,)}, {**at, factor: (b,)})
        )
        both = [elsewhere for elsewhere in first if elsewhere in second]
        return self.arm([first[rest] for rest in both]), self.arm([second[rest] for rest in both])
