"""Measured runs as arms of a comparison: a row per setting, a column per replicate."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.report.claim_metrics import Measure
from ablate.stats import Array
from ablate.study.schema import Rule, Study

#: The level of every factor, in the study's order.
Setting = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Arm:
    """The runs of some cells, (S, R) each: settings down, replicates across.

    cells    by name of the folder, in the order of the rows
    values   NaN where a run is lost or missing
    lost     runs that did not converge
    missing  runs that did not finish
    """

    cells: tuple[str, ...]
    values: Array
    lost: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]

    @property
    def losses(self) -> Array:
        """How many settings of each replicate are lost, (R,)."""
        return np.asarray(self.lost.sum(axis=0), dtype=np.float64)

    @property
    def means(self) -> Array:
        """The mean over settings by replicate, (R,); NaN where one is lost or missing."""
        return np.asarray(self.values.mean(axis=0))


def arm_of(cells: Sequence[pd.DataFrame], replicates: int) -> Arm:
    """Return the arm of some cells, each by the rows of its measured runs."""
    shape = (max(1, len(cells)), replicates)
    values, lost = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    missing = np.ones(shape, dtype=bool)
    for i, runs in enumerate(cells):
        for run in runs[runs["replicate"] < replicates].to_dict("records"):
            r = int(run["replicate"])
            values[i, r], lost[i, r] = run["value"], run["lost"]
            missing[i, r] = np.isnan(run["value"]) and not run["lost"]
    names = tuple(str(runs["cell"].iloc[0]) for runs in cells)
    return Arm(names, values, lost, missing)


class RunArrays:
    """The measured runs of a study of one part, looked up by levels."""

    def __init__(self, study: Study, found: Measure) -> None:
        self.study, self.measure = study, found
        columns = [f"factor:{factor.name}" for factor in study.factors]
        groups = found.values.groupby(columns, sort=False) if columns else [((), found.values)]
        self._runs = {key if isinstance(key, tuple) else (key,): rows for key, rows in groups}

    def settings(self, fixed: Rule) -> list[Setting]:
        """Return every cell that has runs and lies at `fixed`."""
        choices = [
            fixed.get(factor.name, tuple(level.name for level in factor.levels))
            for factor in self.study.factors
        ]
        return [levels for levels in itertools.product(*choices) if levels in self._runs]

    def arm(self, settings: Sequence[Setting]) -> Arm:
        """Return the runs of cells; where there are none, one row of missing runs."""
        return arm_of([self._runs[levels] for levels in settings], self.study.replicates)

    def pair(self, factor: str, a: str, b: str, at: Mapping[str, Setting]) -> tuple[Arm, Arm]:
        """Return two arms whose rows are the settings that both levels have."""
        place = [f.name for f in self.study.factors].index(factor)

        def elsewhere(levels: Setting) -> Setting:
            return levels[:place] + levels[place + 1 :]

        found = [self.settings({**at, factor: (level,)}) for level in (a, b)]
        both = set(map(elsewhere, found[0])) & set(map(elsewhere, found[1]))
        first, second = ([levels for levels in rows if elsewhere(levels) in both] for rows in found)
        return self.arm(first), self.arm(second)
