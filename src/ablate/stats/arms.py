"""Runs as arms of a comparison, and two arms paired by replicate.

Replicate r draws the same random numbers in every cell. A run that did not converge (n/c) is
data: it is counted, and in a comparison it speaks against the arm that lost it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.metrics import Better
from ablate.stats.intervals import Array

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Arm:
    """The runs of some cells, (S, R) each: settings down, replicates across.

    values         NaN where a run is n/c or missing
    not_converged  runs that are n/c; one that is neither here nor in `values` is missing
    cells          names of the rows, where somebody asks for them
    """

    values: Array
    not_converged: Flags
    cells: tuple[str, ...] = ()

    def first(self, replicates: int) -> "Arm":
        """Return the runs of its first replicates."""
        kept = slice(replicates)
        return Arm(self.values[:, kept], self.not_converged[:, kept], self.cells)

    @property
    def converged(self) -> Flags:
        """Which runs have a value, (S, R)."""
        return np.isfinite(self.values)

    @property
    def missing(self) -> Flags:
        """Which runs did not finish, (S, R)."""
        return np.isnan(self.values) & ~self.not_converged

    @property
    def means(self) -> Array:
        """The mean over settings by replicate, (R,); NaN where one is n/c or missing."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def not_converged_settings(self) -> Array:
        """How many settings of each replicate are n/c, (R,)."""
        return np.asarray(self.not_converged.sum(axis=0), dtype=np.float64)


def stacked(arms: Sequence[Arm]) -> Arm:
    """Return the settings of several arms, one below the other."""
    return Arm(
        np.concatenate([arm.values for arm in arms]),
        np.concatenate([arm.not_converged for arm in arms]),
        tuple(cell for arm in arms for cell in arm.cells),
    )


def in_common(a: Arm, b: Arm) -> tuple[Arm, Arm]:
    """Return both with the replicates that both were asked for."""
    count = min(a.values.shape[1], b.values.shape[1])
    return a.first(count), b.first(count)


@dataclass(frozen=True, eq=False)
class Pairs:
    """A - B by replicate, (R,) each; NaN where a run is missing.

    difference  given convergence; NaN where nothing converged in both
    lead        how many more runs are n/c on the side that is behind: above 0 where that speaks
                for A - B above 0, 0 where both sides lost as many
    """

    difference: Array
    lead: Array

    @property
    def outcome(self) -> Array:
        """A - B, infinite where one side lost more runs: n/c is worse than any value, (R,)."""
        lost = np.nan_to_num(self.lead) != 0
        return np.where(lost, np.copysign(np.inf, self.lead), self.difference)


def pair_up(a: Arm, b: Arm, better: Better) -> Pairs:
    """Pair two arms of the same settings; a difference is the mean over those that both have."""
    lost = a.not_converged_settings - b.not_converged_settings
    return paired([(1, a), (-1, b)], -lost if better == "higher" else lost)


def paired(arms: Sequence[tuple[int, Arm]], lead: Array) -> Pairs:
    """Pair arms of the same settings, each with the sign that it has in the difference.

    A difference is the mean over the settings that converged in all of them.
    """
    both = np.all([arm.converged for _, arm in arms], axis=0)
    counts = both.sum(axis=0)
    values = sum(sign * np.where(both, arm.values, 0.0) for sign, arm in arms)
    missing = np.any([arm.missing.any(axis=0) for _, arm in arms], axis=0)
    known = (counts > 0) & ~missing
    sums = np.asarray(values).sum(axis=0)
    difference = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=known)
    return Pairs(difference, np.where(missing, np.nan, lead))
