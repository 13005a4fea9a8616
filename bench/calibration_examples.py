"""Equality of accuracies on any test set, judged on one: with and without its examples' luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ablate.stats import ALPHA, crossed, pair_up, paired_effect, weighed

from .calibration_claims import EQUAL
from .calibration_runs import POINT, complete, right


@dataclass(frozen=True)
class Examples:
    """Shares of studies in which an equality just outside its margin is supported.

    wrong, held  by its verdict, over other replicates; and in which its 95 % interval holds
    ...other     the same of what is said for other test examples too
    """

    wrong: float
    held: float
    wrong_other: float
    held_other: float


def example_errors(n: int, studies: int, seed: int) -> Examples:
    """Simulate n replicates that share 360 test examples, of a difference on all there are."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(4)
    for _ in range(studies):
        a, b = right(rng, 1, n, np.array([[0.0], [EQUAL]]), same=False)[:, 0] / POINT
        arms = (complete(a.mean(axis=1)[None]), complete(b.mean(axis=1)[None]))
        pairs = pair_up(*arms, "higher")
        alone, both = paired_effect(pairs, "equal", EQUAL), crossed(a - b)
        _, (supported, _) = weighed(both, pairs, "equal", EQUAL)
        for k, (p, (low, high)) in enumerate(
            (
                (alone.p_supported, alone.limits(ALPHA)),
                (supported, both.interval(ALPHA)),
            )
        ):
            counts[2 * k] += p <= ALPHA
            counts[2 * k + 1] += low is None or high is None or low <= -EQUAL <= high
    return Examples(*(float(share) for share in counts / studies))
