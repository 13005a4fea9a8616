"""Evidence for a claim, as arithmetic: p values for it and against it, and an interval.

Whatever the claim, the evidence has the same form, so that a family of claims can be adjusted
together: a claim is supported at level alpha when `p_supported` <= alpha, refuted when
`p_refuted` <= alpha.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol

from scipy import special

from ablate.stats.intervals import rate_interval

Expect = Literal["greater", "less", "equal"]
#: One-sided level at which one part of an outcome speaks against what the other finds.
GUARD = 0.1


@dataclass(frozen=True)
class Sides:
    """One-sided p values of one part of an outcome: for a claim, and for its contrary."""

    supports: float
    refutes: float


@dataclass(frozen=True)
class TwoParts:
    """An outcome in two parts: how good the runs are that converged, and how many converged.

    quality      of the replicates that converged in both arms
    convergence  of the replicates in which one arm lost fewer runs (n/c), mid-p
    fewer        replicates in which A, and in which B, lost fewer runs
    disagree     whether each part alone speaks, at 10 % one-sided, against what the other finds
    """

    quality: Sides
    convergence: Sides
    fewer: tuple[int, int]
    disagree: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the runs say of one claim.

    test         what the p values come from; `sign` is exact, of constant differences or of who
                 lost fewer runs alone
    n            replicates that say something
    effect       estimate in the claim's unit; None without one
    interval     alpha -> its two-sided 1 - alpha interval; None where there is none. What is shown
                 at a level lies in it, but an equality is shown where that of 2 alpha does
    p_supported  the smallest level at which the claim is supported; 1: at none
    p_refuted    likewise refuted
    sd           of the differences, for planning; None where it means nothing
    n_effect     pairs behind the effect: those that converged in both
    parts        where runs are n/c
    """

    test: Literal["paired t", "two parts", "sign", "jackknife t", "binomial", "none"]
    n: int
    effect: float | None
    interval: Callable[[float], tuple[float, float]] | None
    p_supported: float
    p_refuted: float
    sd: float | None = None
    n_effect: int = 0
    parts: TwoParts | None = None

    @property
    def p(self) -> float:
        """The smallest level at which the claim is decided either way."""
        return min(self.p_supported, self.p_refuted)

    @property
    def disagree(self) -> bool:
        """Whether its two parts speak for opposite verdicts; it then decides nothing."""
        return self.parts is not None and self.parts.disagree

    @property
    def is_of_convergence_alone(self) -> bool:
        """Whether what it tells rests on who lost fewer runs, and not on those that converged."""
        if self.parts is None:
            return False
        quality, supported = self.parts.quality, self.p_supported <= self.p_refuted
        return (quality.supports if supported else quality.refutes) > GUARD

    def limits(self, alpha: float) -> tuple[float | None, float | None]:
        """Return the ends of the interval; None and None where there is none."""
        return self.interval(alpha) if self.interval else (None, None)


NOTHING = Evidence("none", 0, None, None, 1.0, 1.0)


class Located(Protocol):
    """What is known of where a mean lies: one-sided p values against any bound."""

    def above(self, bound: float) -> float:
        """Return the p that it is above `bound`."""
        ...

    def below(self, bound: float) -> float:
        """Return the p that it is below `bound`."""
        ...


def p_values(found: Located, expect: Expect, margin: float) -> tuple[float, float]:
    """Return the p values for and against: where a mean lies, held against the margin.

    Two-sided. Equality is shown by two one-sided tests, each at the full level (Schuirmann 1987).
    """
    if expect == "equal":
        inside = max(found.above(-margin), found.below(margin))
        return inside, min(1.0, 2 * min(found.above(margin), found.below(-margin)))
    above, below = (found.above, found.below) if expect == "greater" else (found.below, found.above)
    bound = margin if expect == "greater" else -margin
    return min(1.0, 2 * above(bound)), min(1.0, 2 * below(bound))


def rate(successes: int, n: int, expected: float) -> Evidence:
    """Return the evidence that a share of n independent trials is above `expected`.

    The interval is Clopper and Pearson's.
    """
    if not n:
        return NOTHING
    # Doubled tails, as the interval has them.
    above = min(1.0, 2 * float(special.bdtrc(successes - 1, n, expected))) if successes else 1.0
    below = min(1.0, 2 * float(special.bdtr(successes, n, expected)))
    interval = partial(rate_interval, successes, n)
    return Evidence("binomial", n, successes / n, interval, above, below, None, n)


def all_of(found: Sequence[Evidence]) -> Evidence:
    """Return the evidence that every one of several statements holds.

    All must be shown, each at the full level (intersection-union: Berger 1982); one that is
    refuted refutes it, at a level shared by all (Bonferroni). What is shown is the weakest.
    """
    if not found or any(one.test == "none" for one in found):
        return NOTHING
    weakest = max(found, key=lambda one: one.p_supported)
    return replace(weakest, p_refuted=min(1.0, len(found) * min(one.p_refuted for one in found)))
