"""Dyadic histograms: bins whose edges are powers of two apart, so that any two can merge.

A histogram with exponent k has 128 equal bins [a, b) over [-2^k, 2^k), one underflow bin
before them and one overflow bin behind them. Exact zeros are not counted (their fraction is
a statistic of its own, and one bin full of them would hide the rest), nor is what is not
finite. Doubling the range joins neighbours pairwise; only values that had fallen outside
the smaller range stay in the outer bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int
    from torch import Tensor

#: Bins inside the range.
INNER = 128
#: Counts of a histogram: underflow, the bins inside, overflow.
BINS = INNER + 2

Counts = npt.NDArray[np.number]


@dataclass(frozen=True, eq=False)
class Histograms:
    """Of R replicates, each over its own range.

    exponents  (R,) k of the range [-2^k, 2^k)
    counts     (R, 130)
    """

    exponents: npt.NDArray[np.int64]
    counts: Counts


def exponents(largest: Float64[Tensor, " R"], rms: Float64[Tensor, " R"]) -> Int[Tensor, " R"]:
    """Return the smallest k with 2^k > min(largest, 10 rms).

    The bound by the root mean square keeps the bins fine where a few values lie far out.
    0 where all values are zero, or one is not finite.
    """
    bound = largest.minimum(10 * rms)
    return bound.where(rms.isfinite(), 0).frexp().exponent


def histograms(values: Float[Tensor, "R ..."], k: Int[Tensor, " R"]) -> Histograms:
    """Return the counts of each replicate's values over [-2^k, 2^k)."""
    import torch  # here: figures merge histograms, and need none of it

    from ablate.probe.statistics import count

    if not values.sum().isfinite():
        values = values.nan_to_num(0, 0, 0)
    # Scaling by a power of two is exact, so a value on an edge falls on the same side
    # for every k: that is what makes merging exact. In float64 nothing underflows.
    scaled = values.flatten(1).double() * (2.0 ** (6 - k.double())).unsqueeze(1)
    bins = scaled.floor_().clamp_(-INNER // 2 - 1, INNER // 2).add_(INNER // 2 + 1).int()
    bins += BINS * torch.arange(len(bins), dtype=torch.int32, device=bins.device).unsqueeze(1)
    counts = bins.flatten().bincount(minlength=len(bins) * BINS).view(len(bins), BINS)
    # Zeros are taken away again: to select the others would take as long as all of this.
    counts[:, INNER // 2 + 1] -= count(values == 0).long()
    return Histograms(k.cpu().numpy().astype(np.int64), counts.cpu().numpy().astype(np.uint32))


def merge_histograms(first: Histograms, second: Histograms) -> Histograms:
    """Return the counts of both together, each replicate's over the wider of its two ranges."""
    # The range of nothing is no range.
    in_first, in_second = (one.counts.any(axis=1) for one in (first, second))
    ours = np.where(in_first | ~in_second, first.exponents, second.exponents)
    theirs = np.where(in_second | ~in_first, second.exponents, first.exponents)
    wider = np.maximum(ours, theirs)
    counts = [
        coarsen(a, int(k - k_a)) + coarsen(b, int(k - k_b))
        for a, b, k, k_a, k_b in zip(first.counts, second.counts, wider, ours, theirs, strict=True)
    ]
    return Histograms(wider, np.stack(counts))


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
