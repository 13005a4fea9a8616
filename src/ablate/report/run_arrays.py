"""Measured runs as arms of a comparison: a row per setting, a column per replicate."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.metrics import Better
from ablate.report.columns import level_column
from ablate.stats import Arm
from ablate.study.claims import Rule
from ablate.study.schema import Study

#: The level of every factor, in the study's order.
Setting = tuple[str, ...]
#: Where rows stand in a frame, in order.
Places = npt.NDArray[np.intp]


class Columns(NamedTuple):
    """Of every measured run its cell, replicate, value, and whether it is n/c."""

    cell: np.ndarray
    replicate: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    not_converged: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, runs: pd.DataFrame) -> "Columns":
        """Return the columns of a frame that has all four."""
        kinds = (object, np.int64, np.float64, np.bool_)
        return cls(*(runs[n].to_numpy(kind) for n, kind in zip(cls._fields, kinds, strict=True)))

    def arm(self, cells: Sequence[Places], replicates: int) -> Arm:
        """Return the arm of some cells, each by the places of its runs.

        Where there are none it is one row of missing runs.
        """
        shape = (max(1, len(cells)), replicates)
        values, lost = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        for i, places in enumerate(cells):
            kept = places[self.replicate[places] < replicates]
            r = self.replicate[kept]
            values[i, r], lost[i, r] = self.value[kept], self.not_converged[kept]
        names = tuple(str(self.cell[places[0]]) for places in cells if len(places))
        return Arm(values, lost, names)


def arm_of(runs: pd.DataFrame, replicates: int) -> Arm:
    """Return the arm of one cell by the rows of its measured runs."""
    return Columns.of(runs).arm([np.arange(len(runs))], replicates)


def rows_by_setting(study: Study, runs: pd.DataFrame) -> dict[Setting, Places]:
    """Return at which places of a frame of runs each setting of a study of one part has its rows.

    All settings at once: looked up one by one in a hundred thousand runs they take minutes.
    """
    columns = [pd.factorize(runs[level_column(factor.name)]) for factor in study.factors]
    here, code = np.ones(len(runs), dtype=bool), np.zeros(len(runs), dtype=np.int64)
    for codes, levels in columns:
        here &= codes >= 0  # another part's cell lacks the factor
        code = code * len(levels) + codes
    places = np.flatnonzero(here)
    order = places[np.argsort(code[places], kind="stable")]
    ends = np.flatnonzero(np.diff(code[order])) + 1
    groups = np.split(order, ends) if len(order) else []
    return {
        tuple(str(levels[codes[rows[0]]]) for codes, levels in columns): rows for rows in groups
    }


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
    return study.of_replicates(min(_asked_of_each(study, runs), default=study.looks[0]))


def runs_asked(study: Study, runs: pd.DataFrame, cells: int) -> int:
    """Return how many runs were asked of so many cells, of which some may have none yet."""
    known = _asked_of_each(study, runs)
    return sum(known) + (cells - len(known)) * study.all_looks[0]


def _asked_of_each(study: Study, runs: pd.DataFrame) -> list[int]:
    """Return what `asked_of` says of each cell."""
    return [study.look_with(int(last) + 1) for last in runs.groupby("cell")["replicate"].max()]


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
    def _places(self) -> dict[Setting, Places]:
        return rows_by_setting(self.study, self.values)

    @cached_property
    def _columns(self) -> Columns:
        return Columns.of(self.values)

    def settings(self, fixed: Rule) -> list[Setting]:
        """Return every cell that has runs and lies at `fixed`."""
        choices = [
            fixed.get(factor.name, tuple(level.name for level in factor.levels))
            for factor in self.study.factors
        ]
        return [levels for levels in itertools.product(*choices) if levels in self._places]

    def arm(self, settings: Sequence[Setting]) -> Arm:
        """Return the runs of cells."""
        places = [self._places[levels] for levels in settings]
        return self._columns.arm(places, self.study.replicates)

    def at(self, fixed: Rule) -> Arm:
        """Return the runs of every cell that lies at `fixed`."""
        return self.arm(self.settings(fixed))

    def pair(self, factor: str, a: str, b: str, at: Rule) -> tuple[Arm, Arm]:
        """Return two arms whose rows are the settings that both levels have."""
        first, second = self.arms([{factor: a}, {factor: b}], at)
        return first, second

    def arms(self, compared: Sequence[Mapping[str, str]], at: Rule) -> list[Arm]:
        """Return an arm per choice of levels of the same factors.

        Its rows are the settings elsewhere that all of them have.
        """
        elsewhere = [i for i, f in enumerate(self.study.factors) if f.name not in compared[0]]
        found = [
            {tuple(levels[i] for i in elsewhere): levels for levels in self.settings(fixed)}
            for fixed in ({**at, **{name: (one,) for name, one in c.items()}} for c in compared)
        ]
        shared = [rest for rest in found[0] if all(rest in one for one in found)]
        return [self.arm([one[rest] for rest in shared]) for one in found]
