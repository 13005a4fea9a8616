"""Measured runs as arms of a comparison: a row per setting, a column per replicate."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ablate.report.claim_metrics import Measure
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
        values, not_converged, tuple(str(cell) for runs in cells for cell in runs["cell"][:1])
    )


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
        """Return the runs of cells."""
        return arm_of([self._runs[levels] for levels in settings], self.study.replicates)

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
