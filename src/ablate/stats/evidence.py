"""Evidence for a claim, as arithmetic: p values for it and against it, and an interval.

Whatever the claim, the evidence has the same form, so that a family of claims can be adjusted
together: a claim is supported at level alpha when `p_supported` <= alpha, refuted when
`p_refuted` <= alpha.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from scipy import special, stats

from ablate.stats.arms import Pairs
from ablate.stats.intervals import Array, is_constant, rate_interval, t_interval

Expect = Literal["greater", "less", "equal"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the runs say of one claim.

    test         what the p values come from
    n            pairs of replicates (or runs) behind them
    effect       estimate in the claim's unit; None without one
    interval     alpha -> its two-sided 1 - alpha interval; None where there is none
    p_supported  the smallest level at which the claim is supported; 1: at none
    p_refuted    likewise refuted
    sd           of the differences, for planning; None where it means nothing
    n_effect     pairs behind the effect: those that converged in both
    """

    test: Literal["paired t", "sign", "jackknife t", "binomial", "none"]
    n: int
    effect: float | None
    interval: Callable[[float], tuple[float, float]] | None
    p_supported: float
    p_refuted: float
    sd: float | None = None
    n_effect: int = 0

    @property
    def p(self) -> float:
        """The smallest level at which the claim is decided either way."""
        return min(self.p_supported, self.p_refuted)

    def limits(self, alpha: float) -> tuple[float | None, float | None]:
        """Return the ends of the interval; None and None where there is none."""
        return self.interval(alpha) if self.interval else (None, None)


NOTHING = Evidence("none", 0, None, None, 1.0, 1.0)


def paired_effect(pairs: Pairs, expect: Expect, margin: float) -> Evidence:
    """Return the evidence on a mean difference A - B.

    margin  A is expected to be greater by more than it, less by more, or equal within it

    A paired t against the margin, of the pairs that converged in both, where no n/c run speaks
    against what it finds: leaving out pairs only flatters the arm that lost them, and with six
    replicates signs could never tell. Else an exact sign test on all pairs, which the arm with
    more n/c runs loses, whatever the margin. Effect and interval are given convergence in both.
    """
    difference = pairs.difference[np.isfinite(pairs.difference)]
    n, total = len(difference), int((~np.isnan(pairs.lead)).sum())
    if total < 2:
        return NOTHING
    effect, constant = float(difference.mean()) if n else None, is_constant(difference)
    p = (1.0, 1.0) if constant else by_t(difference, expect, margin)
    ahead, behind = (bool((pairs.lead == sign * np.inf).any()) for sign in (1, -1))
    least, most = {"greater": (margin, margin), "less": (-margin, -margin)}.get(
        expect, (-margin, margin)
    )
    agree = not constant and effect is not None and (
        (effect > most and not behind) or (effect < least and not ahead)
    )  # fmt: skip
    signs = (ahead or behind) and not agree
    supported, refuted = by_signs(pairs.lead, expect, margin) if signs else p
    return Evidence(
        test="sign" if signs else "paired t",
        n=total,
        effect=effect,
        interval=None if constant else partial(t_interval, difference),
        p_supported=supported,
        p_refuted=refuted,
        sd=None if constant else float(difference.std(ddof=1)),
        n_effect=n,
    )


def rate(successes: int, n: int, expected: float) -> Evidence:
    """Return the evidence that a share is above `expected`, with Clopper and Pearson's interval."""
    if not n:
        return NOTHING
    # Doubled tails, as the interval has them.
    above = min(1.0, 2 * float(stats.binom.sf(successes - 1, n, expected)))
    below = min(1.0, 2 * float(stats.binom.cdf(successes, n, expected)))
    interval = partial(rate_interval, successes, n)
    return Evidence("binomial", n, successes / n, interval, above, below, None, n)


def in_order(steps: Sequence[Evidence]) -> Evidence:
    """Return the evidence that every one of several steps goes the expected way.

    All must be shown, each at the full level (intersection-union: Berger 1982); one that goes the
    other way refutes it, at a level shared by all (Bonferroni). The step shown is the weakest.
    """
    if not steps or any(step.test == "none" for step in steps):
        return NOTHING
    weakest = max(steps, key=lambda step: step.p_supported)
    return replace(weakest, p_refuted=min(1.0, len(steps) * min(s.p_refuted for s in steps)))


def sign_flip(difference: Array) -> float | None:
    """Return the exact two-sided p of a mean difference under random signs, None without pairs.

    All 2^n signs up to n = 16, and the t's answer beyond: they agree there.
    """
    n = len(difference)
    if n < 2:
        return None
    if n > 16:
        return float(stats.ttest_1samp(difference, 0.0).pvalue)
    # As scipy's permutation_test, which takes seconds for what takes milliseconds here.
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sums = np.abs(signs @ difference)
    # What is equal but for rounding is equal.
    return float((sums >= np.abs(difference.sum()) * (1 - 1e-9)).mean())


def chance_of_better(difference: Array) -> float | None:
    """Return P(A > B) over pairs, a tie counting half; None without pairs."""
    if not len(difference):
        return None
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def sign_p(ahead: int, behind: int) -> float:
    """Return the exact two-sided p of a sign test; ties do not count.

    Of runs that converged in one arm alone it is McNemar's (1947).
    """
    # In closed form: scipy's binomtest takes milliseconds, and a table has hundreds of pairs.
    return min(1.0, 2 * float(special.bdtr(min(ahead, behind), ahead + behind, 0.5)))


def by_t(values: Array, expect: Expect, margin: float) -> tuple[float, float]:
    """Return the p values for and against, from a t of the mean against the margin."""
    if expect == "less":
        return by_t(-values, "greater", margin)
    above, below = _t_tail(values, margin), _t_tail(-values, -margin)
    if expect == "greater":
        return (2 * above, 1.0) if above < below else (1.0, 2 * below)
    # Inside (Schuirmann 1987), doubled: the two-sided interval of the same level lies inside.
    inside = max(_t_tail(values, -margin), below)
    outside = min(above, _t_tail(-values, margin))
    return min(1.0, 2 * inside), min(1.0, 2 * outside)


def _t_tail(values: Array, bound: float) -> float:
    """Return the one-sided p that the mean is above `bound`."""
    n = len(values)
    t = (values.mean() - bound) / (values.std(ddof=1) / np.sqrt(n))
    return float(special.stdtr(n - 1, -t))


def by_signs(lead: Array, expect: Expect, margin: float) -> tuple[float, float]:
    """Return the p values for and against, from exact sign tests; NaN is left out."""
    if expect == "less":
        return _above(-lead, margin)
    if expect == "greater":
        return _above(lead, margin)
    inside = max(_above(lead, -margin)[0], _above(-lead, -margin)[0])
    return inside, min(_above(lead, margin)[0], _above(-lead, margin)[0])


def _above(lead: Array, bound: float) -> tuple[float, float]:
    """Return the sign test's p that leads are above `bound`, and that they are below."""
    ahead, behind = int((lead > bound).sum()), int((lead < bound).sum())
    p = sign_p(ahead, behind)
    return (p, 1.0) if ahead > behind else (1.0, p) if behind > ahead else (1.0, 1.0)
