"""One look into a stack of networks: every layer's activations and gradients.

Activations and their gradients are those of training, with one difference: dropout is off.
Batch normalization uses the statistics of the probed batch, as it does in training, since
these are the signals that the network learns from. Examples pass in batches of the size
trained with, so the look needs little more memory than a step, and batch normalization
sees batches of the usual size.

Activation gradients are those of each example's own loss (of the sum over the batch), so
that they do not shrink with the number of examples; weight gradients those of the mean.

The look leaves no trace: running statistics are put back, no random stream is drawn from,
parameters and their `.grad` are not touched.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.metrics import PROBED, STATISTICS
from ablate.nn.network import Network
from ablate.probe.histogram import BINS, Histograms, exponents, histograms, merge_histograms
from ablate.probe.statistics import Tally, merge, statistics, summarize

#: Gives the probed examples afresh, as pairs of inputs (R, B, ...) and targets (R, B, ...).
Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]
#: The sum of all examples' own losses, from outputs (R, B, K) and targets.
Total = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Reading:
    """One look at one replicate with L layers; axis 0 is `metrics.PROBED`.

    statistics  (3, L, 9) float64
    exponents   (3, L) int16, 0 where there are no histograms
    histograms  (3, L, 130) uint32, or None
    """

    statistics: npt.NDArray[np.float64]
    exponents: npt.NDArray[np.int16]
    histograms: npt.NDArray[np.uint32] | None


def measure(
    network: Network,
    batches: Batches,
    total: Total,
    context: Callable[[], AbstractContextManager[object]],
    with_histograms: bool,
) -> list[Reading]:
    """Return a reading of each replicate.

    context  in which forward passes run (autocast)
    """
    tallies: dict[tuple[int, int], Tally] = {}
    counted: dict[tuple[int, int], Histograms] = {}
    with network.probing():
        for seen in _stream(network, batches, total, context):
            key = seen.quantity, seen.layer
            saturated = seen.flat(seen.values) if seen.flat else None
            tally = summarize(seen.values, seen.ranked, saturated)
            if with_histograms:
                # Over the range of this batch: ranges are powers of two, so any two can merge.
                counts = histograms(seen.values, exponents(tally.largest, tally.rms))
                counted[key] = merge_histograms(counted[key], counts) if key in counted else counts
            tallies[key] = merge(tallies[key], tally) if key in tallies else tally
    replicates = len(tallies[0, 0].total)
    shape = (replicates, len(PROBED), len(network.layer_names))
    numbers = np.empty((*shape, len(STATISTICS)))
    ranges = np.zeros(shape, dtype=np.int16)
    counts_of = np.zeros((*shape, BINS), dtype=np.uint32)
    for (quantity, layer), tally in tallies.items():
        numbers[:, quantity, layer] = statistics(tally)
    for (quantity, layer), counts in counted.items():
        ranges[:, quantity, layer] = counts.exponents
        counts_of[:, quantity, layer] = counts.counts
    return [
        Reading(numbers[r], ranges[r], counts_of[r] if with_histograms else None)
        for r in range(replicates)
    ]


def pack(layer_names: Sequence[str], readings: Mapping[int, Reading]) -> dict[str, np.ndarray]:
    """Return one replicate's readings by step as the packed arrays of `ablate.probe`."""
    if not readings:
        return {}
    counts = {step: s.histograms for step, s in readings.items() if s.histograms is not None}
    return {
        "layers": np.array(layer_names),
        "steps": np.array(list(readings), dtype=np.int64),
        "statistics": np.stack([s.statistics for s in readings.values()]),
        "exponents": np.stack([s.exponents for s in readings.values()]),
        "histograms": np.array(list(counts.values()), dtype=np.uint32).reshape(
            -1, len(PROBED), len(layer_names), BINS
        ),
        "histogram_steps": np.array(list(counts), dtype=np.int64),
    }


@dataclass(frozen=True, eq=False)
class _Seen:
    """One quantity (an index into PROBED) of one layer, for all replicates.

    values  (R, N, units, ...)
    ranked  what percentiles are taken of, (R, ...)
    flat    marks the values that are saturated; None where that means nothing
    """

    quantity: int
    layer: int
    values: Tensor
    ranked: Tensor
    flat: Callable[[Tensor], Tensor] | None = None


def _stream(
    network: Network,
    batches: Batches,
    total_loss: Total,
    context: Callable[[], AbstractContextManager[object]],
) -> Iterator[_Seen]:
    """Yield activations and their gradients batch by batch, at last the weights' gradients."""
    weights = network.probed_weights
    totals = [torch.zeros_like(w) for w in weights]
    examples = 0
    taps: list[tuple[Tensor, Tensor]] = []
    for inputs, targets in batches():
        taps.clear()
        with torch.enable_grad():
            with context():
                outputs = network(inputs, lambda _, pre, post: taps.append((pre, post)))
            loss = total_loss(outputs, targets)
        # A module of the user's own may have a branch that its output does not come from: the
        # loss does not change with it, so that its gradients are zero.
        gradients = torch.autograd.grad(
            loss, [*(post for _, post in taps), *weights], materialize_grads=True
        )
        for layer, (pre, post) in enumerate(taps):
            yield _Seen(0, layer, post.detach(), pre.detach(), network.saturation[layer])
            yield _Seen(1, layer, gradients[layer], gradients[layer])
        for total, gradient in zip(totals, gradients[len(taps) :], strict=True):
            total += gradient
        examples += targets.shape[1]
    for layer, total in enumerate(totals):
        mean = total / examples
        by_unit = mean if mean.ndim == 3 else mean.unsqueeze(1)
        yield _Seen(2, layer, by_unit, by_unit)
