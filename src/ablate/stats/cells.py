"""The cells of a table: summarized, compared two by two, and marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from ablate.metrics import Better
from ablate.stats.arms import Arm, in_common, pair_up
from ablate.stats.evidence import Evidence
from ablate.stats.families import holm
from ablate.stats.intervals import ALPHA, rate_interval, t_half_width
from ablate.stats.two_parts import paired_effect


@dataclass(frozen=True)
class Summary:
    """One cell, given convergence, with convergence beside it.

    n              runs that finished, n/c included; `missing` did not
    mean, sd       over the runs that converged; None without one (sd: without two)
    half_width     of the 95 % t interval of the mean; None under two converged runs
    convergence    share of finished runs that converged; its interval is Clopper-Pearson's
    """

    n: int
    not_converged: int
    missing: int
    mean: float | None
    sd: float | None
    half_width: float | None
    convergence: float | None
    convergence_low: float | None
    convergence_high: float | None

    @property
    def converged(self) -> int:
        """Number of runs behind the mean."""
        return self.n - self.not_converged

    @property
    def is_eligible(self) -> bool:
        """Whether the cell may be called best: never with half or more of its runs n/c."""
        return self.converged > 0 and 2 * self.not_converged < self.n


@dataclass(frozen=True)
class PairedTest:
    """Two cells a and b, paired by replicate.

    evidence      that a's mean is above b's: the rule of claims, without a margin
    pairs         replicates that finished in both cells
    wins, losses  pairs in which a is better, worse than b; n/c loses, two n/c tie
    better        what a metric should be
    """

    evidence: Evidence
    pairs: int
    wins: int
    losses: int
    better: Better

    @property
    def p(self) -> float | None:
        """Two-sided p; None under two pairs, 1 where all of them are n/c in both cells."""
        return self.evidence.p if self.pairs > 1 else None

    @property
    def favours(self) -> Literal["a", "b", "neither"]:
        """The better cell by what the test looks at."""
        above, below = self.evidence.p_supported, self.evidence.p_refuted
        if above == below:
            return "neither"
        return "a" if (above < below) == (self.better == "higher") else "b"


@dataclass(frozen=True)
class Pair:
    """Two cells of a family by index, their test and its Holm-adjusted p."""

    a: int
    b: int
    test: PairedTest
    p_adjusted: float | None


def summarize(cell: Arm) -> Summary:
    """Summarize the runs of one cell."""
    values = cell.values[cell.converged]
    not_converged = int(cell.not_converged.sum())
    n = len(values) + not_converged
    low, high = rate_interval(len(values), n) if n else (None, None)
    return Summary(
        n=n,
        not_converged=not_converged,
        missing=cell.values.size - n,
        mean=float(values.mean()) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        half_width=t_half_width(values),
        convergence=len(values) / n if n else None,
        convergence_low=low,
        convergence_high=high,
    )


def compare(a: Arm, b: Arm, better: Better) -> PairedTest:
    """Compare two cells over the replicates that finished in both, as claims are judged."""
    a, b = in_common(a, b)
    pairs = pair_up(a, b, better)
    ahead = pairs.outcome if better == "higher" else -pairs.outcome
    return PairedTest(
        paired_effect(pairs, "greater", 0.0),
        pairs=int((~(a.missing | b.missing)).sum()),
        wins=int((ahead > 0).sum()),
        losses=int((ahead < 0).sum()),
        better=better,
    )


def compare_all(cells: Sequence[Arm], better: Better) -> tuple[Pair, ...]:
    """Compare every two of `cells` and adjust all p values as one family (Holm 1979)."""
    found = [
        (i, j, compare(cells[i], cells[j], better)) for i, j in combinations(range(len(cells)), 2)
    ]
    adjusted = iter(holm([test.p for _, _, test in found if test.p is not None]))
    return tuple(Pair(i, j, t, None if t.p is None else next(adjusted)) for i, j, t in found)


def best_cell(summaries: Sequence[Summary], better: Better) -> int | None:
    """Return the index of the best mean among eligible cells; the first one of equals."""
    sign = 1 if better == "higher" else -1
    means = {
        i: sign * s.mean for i, s in enumerate(summaries) if s.is_eligible and s.mean is not None
    }
    return max(means, key=means.__getitem__, default=None)


def not_shown_worse(
    best: int, pairs: Sequence[Pair], summaries: Sequence[Summary]
) -> frozenset[int]:
    """Return the eligible cells that are not shown worse than the best.

    `pairs` must be all pairs of the column: the best was chosen by looking at all cells, and
    adjusting for the comparisons with it alone would ignore that choice.
    """
    kept = set()
    for pair in pairs:
        if best in (pair.a, pair.b) and pair.p_adjusted is not None:
            other, wins = (pair.b, "a") if pair.a == best else (pair.a, "b")
            shown_worse = pair.p_adjusted <= ALPHA and pair.test.favours == wins
            if summaries[other].is_eligible and not shown_worse:
                kept.add(other)
    return frozenset(kept)
