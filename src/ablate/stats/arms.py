"""Runs as arms of a comparison, and two arms paired by replicate.

Replicate r draws the same random numbers in every cell. A run that did not converge (n/c) is
data: it is counted, and in a comparison it loses to a run that converged.
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


@dataclass(frozen=True, eq=False)
class Pairs:
    """A - B by replicate, (R,) each.

    difference  given convergence; NaN where nothing converged in both, or a run is missing
    lead        the same where neither arm has more n/c runs; else inf or -inf, beyond any margin
    """

    difference: Array
    lead: Array


def pair_up(a: Arm, b: Arm, better: Better) -> Pairs:
    """Pair two arms of the same settings.

    A difference is the mean over settings that converged in both. A replicate in which one arm
    has more n/c runs goes to the other: they count as worse than any value.
    """
    both = a.converged & b.converged
    counts = both.sum(axis=0)
    sums = np.where(both, a.values - b.values, 0.0).sum(axis=0)
    missing = (a.missing | b.missing).any(axis=0)
    known = (counts > 0) & ~missing
    difference = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=known)
    lost = a.not_converged_settings - b.not_converged_settings
    lead = led_by(difference, lost if better == "lower" else -lost)
    return Pairs(difference, np.where(missing, np.nan, lead))


def led_by(difference: Array, runs: Array) -> Array:
    """Return the differences, infinite where one side has more n/c `runs` than the other (R,)."""
    return np.where(runs == 0, difference, np.inf * np.where(runs == 0, 1, runs))
