"""From the packed arrays of one run's probe to rows of frames: layers, weights, pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ablate.metrics import PROBED, STATISTICS, WEIGHT

Arrays = Mapping[str, np.ndarray]


def layer_rows(place: Mapping[str, Any], probe: Arrays) -> dict[str, np.ndarray]:
    """Return one row per step, quantity and layer, in the order of the packed arrays (S, 3, L)."""
    _, quantities, layers, statistics = probe["statistics"].shape
    step, quantity, layer = np.indices(probe["statistics"].shape[:3]).reshape(3, -1)
    nothing = [None] * (quantities * layers)
    taken = {
        at: list(counts.reshape(-1, counts.shape[-1]))
        for at, counts in zip(probe["histogram_steps"].tolist(), probe["histograms"], strict=True)
    }
    by_statistic = probe["statistics"].reshape(-1, statistics).T
    histograms = [one for at in probe["steps"].tolist() for one in taken.get(at, nothing)]
    return {
        **{name: np.full(len(step), value, object) for name, value in place.items()},
        "step": probe["steps"][step],
        "layer": layer + 1,
        "layer_name": probe["layers"][layer],
        "quantity": np.array(PROBED)[quantity],
        **dict(zip(STATISTICS, by_statistic, strict=True)),
        "exponent": probe["exponents"].ravel(),
        "histogram": np.fromiter(histograms, object, len(histograms)),
    }


def weight_rows(place: Mapping[str, Any], probe: Arrays) -> dict[str, np.ndarray]:
    """Return one row per layer of what was counted of the weights, in the same columns."""
    count = len(probe["weight_layers"])
    std, zero = probe["weight_statistics"].T
    histograms = list(probe["weight_histograms"])
    return {
        **{name: np.full(count, value, object) for name, value in place.items()},
        "step": np.full(count, probe["weight_step"]),
        "layer": 1 + np.arange(count),
        "layer_name": probe["weight_layers"],
        "quantity": np.full(count, WEIGHT),
        **dict.fromkeys(STATISTICS, np.full(count, np.nan)),
        "std": std,
        "zero": zero,
        "exponent": probe["weight_exponents"],
        "histogram": np.fromiter(histograms, object, count),
    }


def pixel_row(probe: Arrays) -> dict[str, Any]:
    """Return what was counted of the pixels of one run."""
    channels, height, width = probe["pixel_zeros"].shape
    return {
        "networks": 1,
        "units": int(probe["pixel_units"]),
        "channels": channels,
        "height": height,
        "width": width,
        "zeros": probe["pixel_zeros"].ravel(),
        "squares": probe["pixel_squares"].ravel(),
    }
