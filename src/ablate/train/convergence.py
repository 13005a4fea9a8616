"""The rule that calls a run n/c (not converged)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

#: Clean training examples on which the rule is applied, at most.
EXAMPLES = 10_000

_ENTROPY_SHARE = 0.98
_ACCURACY_SHARE = 0.1


def first_nonfinite(losses: npt.NDArray[np.float32]) -> int | None:
    """Return the first step whose loss (steps,) is NaN or infinite, or None."""
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if bad.size else None


def no_progress(scores: Mapping[str, float], labels: npt.NDArray[np.int64]) -> bool:
    """Tell whether training ended where guessing by class shares would stand.

    scores  `loss` (cross-entropy, hard labels, nats) and `accuracy` in eval mode on clean
            training examples
    labels  of the training split, (N,)

    Both must hold: the cross-entropy is at least 0.98 of the entropy of the label shares,
    and the accuracy is below p + 0.1 (1 - p), p the largest share. The loss alone would
    condemn networks that are confidently wrong on few examples yet right on most; the
    accuracy alone would condemn those whose probabilities have begun to improve.
    """
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    entropy = -float((shares * np.log(shares)).sum())
    largest = float(shares.max())
    guessing = largest + _ACCURACY_SHARE * (1 - largest)
    return scores["loss"] >= _ENTROPY_SHARE * entropy and scores["accuracy"] < guessing
