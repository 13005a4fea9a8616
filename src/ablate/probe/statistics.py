"""Streaming statistics of one quantity of one layer of one replicate.

`summarize` reduces a batch, `merge` joins two summaries, `statistics` gives the nine
numbers. All sums are in float64 and over one replicate only.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Float64
from torch import Tensor

#: Values that percentiles are taken from, at most, per batch. With four batches a median has a
#: standard error of 1 % of a standard deviation; ranking more took longer than the forward pass.
SAMPLE = 4_000

_PERCENTILES = (15, 50, 85)


@dataclass(frozen=True, eq=False)
class Tally:
    """What statistics need of the values seen so far.

    count, zeros  how many values, and how many of them are exactly zero
    total, squares, largest   sum, sum of squares and largest magnitude
    saturated     how many values are saturated; NaN where the word means nothing
    active        whether a unit was ever not zero
    sample        part of the values whose percentiles are wanted
    """

    count: int
    zeros: int
    total: float
    squares: float
    largest: float
    saturated: float
    active: Bool[Tensor, " units"]
    sample: npt.NDArray[np.float32]


def summarize(
    values: Float[Tensor, "N units *positions"],
    ranked: Float[Tensor, "N ..."],
    saturated: float = math.nan,
) -> Tally:
    """Return the summary of `values` (N, units, ...).

    ranked  the tensor whose percentiles are wanted: a layer's pre-activation beside its
            activation, or `values` itself
    """
    magnitude = values.float().abs()
    peaks = magnitude.amax(dim=[axis for axis in range(values.ndim) if axis != 1])
    largest = float(peaks.max())
    exact = values.double()
    total = float(exact.sum())
    squares = float(exact.square_().sum())
    if math.isfinite(squares):
        # As count_nonzero, fifteen times as fast; a sum of ones is exact up to 2^24.
        nonzero = int(magnitude.sign_().flatten(1).sum(dim=1).double().sum())
    else:
        nonzero = int(values.count_nonzero())
    return Tally(
        count=values.numel(),
        zeros=values.numel() - nonzero,
        total=total,
        squares=squares,
        largest=largest,
        saturated=saturated,
        active=peaks != 0,
        sample=_sample(ranked),
    )


def merge(first: Tally, second: Tally) -> Tally:
    """Return the summary of both batches together."""
    return Tally(
        count=first.count + second.count,
        zeros=first.zeros + second.zeros,
        total=first.total + second.total,
        squares=first.squares + second.squares,
        largest=max(first.largest, second.largest),
        saturated=first.saturated + second.saturated,
        active=first.active | second.active,
        sample=np.concatenate([first.sample, second.sample]),
    )


def rms(summary: Tally) -> float:
    """Return the root mean square."""
    return math.sqrt(summary.squares / summary.count)


def statistics(summary: Tally) -> Float64[np.ndarray, " 9"]:
    """Return mean, std, zero, dead, saturated, p15, p50, p85 and rms.

    std divides by the number of values. Where a value is not finite, neither are mean, std
    and rms; they are NaN then. A percentile is NaN where the values are.
    """
    n = summary.count
    mean = summary.total / n
    variance = summary.squares / n - mean**2
    with np.errstate(invalid="ignore"):  # between two infinite values
        percentiles = np.percentile(summary.sample, _PERCENTILES)
    result = np.array(
        [
            mean,
            math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.nan,
            summary.zeros / n,
            1 - float(summary.active.double().mean()),
            summary.saturated / n,
            *percentiles,
            rms(summary),
        ]
    )
    result[~np.isfinite(result)] = math.nan
    return result


def _sample(values: Tensor) -> npt.NDArray[np.float32]:
    """Return values at even distance, in an order that visits every unit alike."""
    flat = values.reshape(-1)
    stride = -(-flat.numel() // SAMPLE)
    row = flat.numel() // len(values)
    # A stride that shares a divisor with the row length would always meet the same units.
    while stride > 1 and math.gcd(stride, row) > 1:
        stride += 1
    return flat[::stride].float().cpu().numpy()
