"""Dyadic histograms: bins whose edges are powers of two apart, so that any two can merge.

A histogram with exponent k has 128 equal bins [a, b) over [-2^k, 2^k), one underflow bin
before them and one overflow bin behind them. Exact zeros are not counted (their fraction is
a statistic of its own, and one bin full of them would hide the rest), nor is what is not
finite. Doubling the range joins neighbours pairwise; only values that had fallen outside
the smaller range stay in the outer bins.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

#: Bins inside the range.
INNER = 128
#: Counts of a histogram: underflow, the bins inside, overflow.
BINS = INNER + 2

Counts = npt.NDArray[np.uint32]


def exponent(largest: float, rms: float) -> int:
    """Return the smallest k with 2^k > min(largest, 10 rms).

    The bound by the root mean square keeps the bins fine where a few values lie far out.
    0 where all values are zero, or one is not finite.
    """
    bound = min(largest, 10 * rms)
    return math.frexp(bound)[1] if math.isfinite(rms) and bound > 0 else 0


def histogram(values: Tensor, k: int) -> Counts:
    """Return the counts (130,) of `values`, any shape, over [-2^k, 2^k)."""
    import torch  # here: figures merge histograms, and need none of it

    # Scaling by a power of two is exact, so a value on an edge falls on the same side
    # for every k: that is what makes merging exact. In float64 nothing underflows.
    scaled = values.reshape(-1).double() * 2.0 ** (6 - k)
    bins = scaled.floor_().clamp_(-INNER // 2 - 1, INNER // 2).add_(INNER // 2 + 1)
    counted = bins[torch.isfinite(values.reshape(-1)) & (values.reshape(-1) != 0)]
    return torch.bincount(counted.long(), minlength=BINS).cpu().numpy().astype(np.uint32)


def coarsen(counts: Counts, doublings: int) -> Counts:
    """Return `counts` (130,) over a range 2^doublings as wide."""
    for _ in range(doublings):
        inner = counts[1:-1].reshape(-1, 2).sum(axis=1)
        wider = np.zeros_like(counts)
        wider[1 + INNER // 4 : 1 + 3 * INNER // 4] = inner
        wider[0], wider[-1] = counts[0], counts[-1]
        counts = wider
    return counts


def edges(k: int) -> npt.NDArray[np.float64]:
    """Return the 129 edges of the bins inside the range."""
    return np.linspace(-(2.0**k), 2.0**k, INNER + 1)
