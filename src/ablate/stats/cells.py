"""The statistics of a report: pure functions of arrays, nothing about studies or files.

Replicate r draws the same random numbers in every cell, so two cells are compared pair by
pair. A run that did not converge (n/c) is data: it is counted beside the mean, and in a
comparison it loses to a run that converged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
Better = Literal["higher", "lower"]

LEVEL = 0.95
ALPHA = 1 - LEVEL


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The runs of one cell by replicate.

    values         (R,) the metric; nan where the run is n/c or missing
    not_converged  (R,) bool; a run that is neither here nor in `values` is missing
    """

    values: Array
    not_converged: npt.NDArray[np.bool_]

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Return (R,) bool: which replicates have a value."""
        return np.isfinite(self.values)


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
class Comparison:
    """Two cells a and b, paired by replicate.

    test           `paired t` where all pairs converged; `sign` (exact, on wins) where any is
                   n/c; `none` under two pairs
    pairs          replicates that finished in both cells
    wins, losses   pairs in which a is better, worse than b; n/c loses, two n/c tie
    converged      pairs that converged in both: the differences a - b are over these
    mean, low, high   of the differences, with a 95 % t interval; None where there is none
    p              two-sided; None where `test` is `none`
    favours        the better cell by what the test looks at: mean difference, or wins
    """

    test: Literal["paired t", "sign", "none"]
    pairs: int
    wins: int
    losses: int
    converged: int
    mean: float | None
    low: float | None
    high: float | None
    p: float | None
    favours: Literal["a", "b", "neither"]


@dataclass(frozen=True)
class Pair:
    """Two cells of a family by index, their comparison and its Holm-adjusted p."""

    a: int
    b: int
    comparison: Comparison
    p_adjusted: float | None

    @property
    def is_decided(self) -> bool:
        """Whether the two differ at 5 % after adjustment."""
        return self.p_adjusted is not None and self.p_adjusted < ALPHA


def summarize(outcomes: Outcomes) -> Summary:
    """Summarize the runs of one cell."""
    values = outcomes.values[outcomes.converged]
    failures = int(outcomes.not_converged.sum())
    n = len(values) + failures
    low, high = convergence_interval(len(values), n) if n else (None, None)
    return Summary(
        n=n,
        not_converged=failures,
        missing=len(outcomes.values) - n,
        mean=float(values.mean()) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        half_width=t_half_width(values),
        convergence=len(values) / n if n else None,
        convergence_low=low,
        convergence_high=high,
    )


def t_half_width(values: Array) -> float | None:
    """Return the half-width of the 95 % t interval of a mean; None under two values."""
    if len(values) < 2:
        return None
    standard_error = values.std(ddof=1) / np.sqrt(len(values))
    return float(stats.t.ppf(1 - ALPHA / 2, len(values) - 1) * standard_error)


def convergence_interval(converged: int, n: int) -> tuple[float, float]:
    """Return the Clopper-Pearson 95 % interval of a convergence rate, n at least 1."""
    interval = stats.binomtest(converged, n).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def proportion_half_width(proportion: float, examples: int) -> float:
    """Return 1.96 sqrt(p (1 - p) / N): what the choice of N test examples leaves open."""
    return float(stats.norm.ppf(1 - ALPHA / 2) * np.sqrt(proportion * (1 - proportion) / examples))


def compare(a: Outcomes, b: Outcomes, better: Better) -> Comparison:
    """Compare two cells over the replicates that finished in both.

    A paired t test on the pairs that both converged, where no n/c run speaks against what it
    finds; else an exact sign test on wins, an n/c run losing to a converged one. Differences
    that are all equal say nothing of their spread: p is then 1.
    """
    both = a.converged & b.converged
    difference = a.values[both] - b.values[both]
    ahead = difference if better == "higher" else -difference
    a_only, b_only = a.converged & b.not_converged, b.converged & a.not_converged
    finished = (a.converged | a.not_converged) & (b.converged | b.not_converged)
    pairs = int(finished.sum())
    wins = int((ahead > 0).sum() + a_only.sum())
    losses = int((ahead < 0).sum() + b_only.sum())
    half_width = t_half_width(difference)
    mean = float(difference.mean()) if len(difference) else None
    # Differences that differ in their last bits only are equal: their t would be a fiction.
    constant = len(difference) > 1 and np.ptp(difference) <= 1e-12 * np.abs(difference).max()
    if mean is None or half_width is None or constant:
        low = high = None
    else:
        low, high = mean - half_width, mean + half_width
    # The cell that trails where both converged is the one that lost runs: leaving those pairs out
    # only flatters it. (With six replicates a sign test over many pairs could never tell.)
    lost_by_a, lost_by_b = int(b_only.sum()), int(a_only.sum())
    trails = mean is not None and (
        (lost_by_a == 0 and ahead.mean() > 0) or (lost_by_b == 0 and ahead.mean() < 0)
    )
    test: Literal["paired t", "sign", "none"]
    p: float | None
    lead = float(wins - losses)
    if pairs < 2:
        test, p = "none", None
    elif len(difference) < pairs and (low is None or not trails):
        test = "sign"
        p = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    else:
        test = "paired t"
        p = 1.0 if constant else float(stats.ttest_1samp(difference, 0.0).pvalue)
        lead = float(ahead.mean())
    favours: Literal["a", "b", "neither"] = "a" if lead > 0 else "b" if lead < 0 else "neither"
    return Comparison(test, pairs, wins, losses, len(difference), mean, low, high, p, favours)


def compare_all(cells: Sequence[Outcomes], better: Better) -> tuple[Pair, ...]:
    """Compare every two of `cells` and adjust all p values as one family (Holm 1979)."""
    found = [
        (i, j, compare(cells[i], cells[j], better)) for i, j in combinations(range(len(cells)), 2)
    ]
    adjusted = iter(holm([c.p for _, _, c in found if c.p is not None]))
    return tuple(Pair(i, j, c, None if c.p is None else next(adjusted)) for i, j, c in found)


def holm(p: Sequence[float]) -> list[float]:
    """Return p values adjusted by Holm 1979, in the order given."""
    # statsmodels' multipletests collects all garbage at each call: 25 ms and more per column.
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return [float(value) for value in adjusted]


def best_cell(summaries: Sequence[Summary], better: Better) -> int | None:
    """Return the index of the best mean among eligible cells; the first one of equals."""
    eligible = [(s.mean, i) for i, s in enumerate(summaries) if s.is_eligible]
    if not eligible:
        return None
    sign = 1 if better == "higher" else -1
    return max(eligible, key=lambda item: (sign * (item[0] or 0.0), -item[1]))[1]


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
            if not (pair.is_decided and pair.comparison.favours == wins):
                kept.add(other)
    return frozenset(i for i in kept if summaries[i].is_eligible)
