"""Streaming statistics of one quantity of one layer, for all replicates of a stack at once.

`summarize` reduces a batch, `merge` joins two summaries, `statistics` gives the nine
numbers. All sums are in float64 and over one replicate only, in an order that does not
depend on how many there are.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

#: Values that percentiles are taken from, at most, per batch. With two batches a median has a
#: standard error of 1.4 % of a standard deviation; ranking more took longer than the forward pass.
SAMPLE = 4_000

_PERCENTILES = (15, 50, 85)


@dataclass(frozen=True, eq=False)
class Tally:
    """What statistics need of the values seen so far, for R replicates.

    count       how many values a replicate has
    zeros       (R,) how many of them are exactly zero
    total, squares, largest   (R,) sum, sum of squares and largest magnitude
    saturated   (R,) how many values are saturated; NaN where the word means nothing
    active      (R, units) whether a unit was ever not zero
    sample      (R, n) part of the values whose percentiles are wanted
    """

    count: int
    zeros: Float64[Tensor, " R"]
    total: Float64[Tensor, " R"]
    squares: Float64[Tensor, " R"]
    largest: Float64[Tensor, " R"]
    saturated: Float64[Tensor, " R"]
    active: Bool[Tensor, "R units"]
    sample: Float[Tensor, "R n"]

    @property
    def rms(self) -> Float64[Tensor, " R"]:
        """The root mean squares."""
        return (self.squares / self.count).sqrt()


def summarize(
    values: Float[Tensor, "R N units *positions"],
    ranked: Float[Tensor, "R N ..."],
    saturated: Bool[Tensor, "R N units *positions"] | None = None,
) -> Tally:
    """Return the summary of `values` (R, N, units, ...).

    ranked     the tensor whose percentiles are wanted: a layer's pre-activation beside its
               activation, or `values` itself
    saturated  marks the values that are; None where the word means nothing
    """
    # In one layout whatever the stack, since sums follow it.
    values, ranked = values.contiguous(), ranked.contiguous()
    peaks = values.float().abs().amax(dim=[1, *range(3, values.ndim)])
    exact = values.flatten(1).double()
    return Tally(
        count=exact.shape[1],
        zeros=count(values == 0),
        total=exact.sum(dim=1),
        squares=exact.square_().sum(dim=1),
        largest=peaks.amax(dim=1).double(),
        saturated=exact.new_full((len(exact),), math.nan)
        if saturated is None
        else count(saturated),
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
        largest=torch.maximum(first.largest, second.largest),
        saturated=first.saturated + second.saturated,
        active=first.active | second.active,
        sample=torch.cat([first.sample, second.sample], dim=1),
    )


def statistics(tally: Tally) -> Float64[np.ndarray, "R 9"]:
    """Return mean, std, zero, dead, saturated, p15, p50, p85 and rms of each replicate.

    std divides by the number of values. Where a value is not finite, neither are mean, std
    and rms; they are NaN then. A percentile is NaN where the values are.
    """
    mean = tally.total / tally.count
    variance = (tally.squares / tally.count - mean**2).clamp(min=0)
    result = torch.stack(
        [
            mean,
            variance.sqrt(),
            tally.zeros / tally.count,
            1 - tally.active.double().mean(dim=1),
            tally.saturated / tally.count,
            tally.rms,
        ],
        dim=1,
    )
    numbers: npt.NDArray[np.float64] = result.cpu().numpy()
    numbers = np.hstack([numbers[:, :5], _percentiles(tally.sample), numbers[:, 5:]])
    numbers[~np.isfinite(numbers)] = math.nan
    return numbers


def count(marked: Bool[Tensor, "R N ..."]) -> Float64[Tensor, " R"]:
    """Return how many are marked: a tenth of count_nonzero's time, exact below 2^24 per example."""
    return marked.float().flatten(2).sum(dim=2).double().sum(dim=1)


def _percentiles(sample: Float[Tensor, "R n"]) -> Float64[np.ndarray, "R 3"]:
    """Return what `numpy.percentile` does, which selects in seven times the time of this sort."""
    ordered = np.sort(sample.cpu().numpy(), axis=1).astype(np.float64)
    last = ordered.shape[1] - 1
    place = np.array(_PERCENTILES) / 100 * last
    below = np.floor(place).astype(int)
    low, high = ordered[:, below], ordered[:, np.minimum(below + 1, last)]
    with np.errstate(invalid="ignore"):  # between two infinite values
        result = low + (high - low) * (place - below)
    result[np.isnan(ordered[:, -1])] = math.nan  # NaN is sorted to the end
    return np.asarray(result)


def _sample(values: Float[Tensor, "R N ..."]) -> Float[Tensor, "R n"]:
    """Return values at even distance, in an order that visits every unit alike."""
    flat = values.flatten(1)
    stride = -(-flat.shape[1] // SAMPLE)
    row = flat.shape[1] // values.shape[1]
    # A stride that shares a divisor with the row length would always meet the same units.
    while stride > 1 and math.gcd(stride, row) > 1:
        stride += 1
    return flat[:, ::stride].float()
