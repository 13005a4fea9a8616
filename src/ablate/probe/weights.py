"""What the weights of a stack are at the end of training: by layer, and by pixel of the input.

A run that records them (`probe.weights`) has these arrays beside those of `ablate.probe`, for W
layers, the output layer among them:

    weight_step        () int64, after which they stand so; whoever trains adds it
    weight_layers      (W,) names
    weight_statistics  (W, 2) float64: standard deviation, and the share that is exactly zero
    weight_exponents   (W,) int16; k of the dyadic range [-2^k, 2^k) of a histogram
    weight_histograms  (W, 130) uint32 of the weights other than zero, see `ablate.probe.histogram`

and, where the first layer is a linear map of images (C, H, W) to n units,

    pixel_units        () int64, n
    pixel_zeros        (C, H, W) int64, how many of a pixel's n weights are exactly zero
    pixel_squares      (C, H, W) float64, the sum of their squares
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ablate.nn.network import Network
from ablate.probe.histogram import Histograms, exponents, histograms


def measure_weights(network: Network, inputs: tuple[int, ...]) -> list[dict[str, np.ndarray]]:
    """Return of each replicate the arrays above; of a network without weights none.

    inputs  shape of one example
    """
    weights = {name: weight.detach() for name, weight in network.weights.items()}
    if not weights:
        return []
    counted = [_counted(weight) for weight in weights.values()]
    return [
        {
            "weight_layers": np.array(list(weights)),
            # A replicate at a time: sums over all at once would depend on how many there are.
            "weight_statistics": np.stack([_statistics(_array(w[r])) for w in weights.values()]),
            "weight_exponents": np.array([one.exponents[r] for one in counted], dtype=np.int16),
            "weight_histograms": np.stack([one.counts[r] for one in counted]).astype(np.uint32),
            **_pixels(network.first_map, r, inputs),
        }
        for r in range(len(counted[0].exponents))
    ]


def _counted(weight: Tensor) -> Histograms:
    """Return the histograms of one layer (R, ...).

    The range holds the largest weight: where most are zero, a bound by the root mean square would
    leave out the few that are not.
    """
    flat = weight.flatten(1)
    largest = flat.abs().amax(dim=1).double()
    return histograms(flat.unsqueeze(1), exponents(largest, largest))


def _array(weight: Tensor) -> npt.NDArray[np.float64]:
    return weight.detach().cpu().double().numpy()


def _statistics(weight: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(weight.std()), float((weight == 0).mean())


def _pixels(weight: Tensor | None, r: int, inputs: tuple[int, ...]) -> Mapping[str, np.ndarray]:
    """Return what a replicate's first layer has of each pixel; nothing where there are none."""
    if weight is None or len(inputs) != 3:
        return {}
    own = _array(weight[r]).reshape(*inputs, -1)
    return {
        "pixel_units": np.array(own.shape[-1], dtype=np.int64),
        "pixel_zeros": (own == 0).sum(axis=-1),
        "pixel_squares": np.square(own).sum(axis=-1),
    }
