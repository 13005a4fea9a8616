"""Streaming per-layer statistics of activations, activation gradients and weight gradients.

A run's probe is a mapping of packed arrays, for L layers, S probed steps, and H steps with
histograms (the first and, in a run that did not diverge, the last):

    layers           (L,) names of the hidden layers
    steps            (S,) int64
    statistics       (S, 3, L, 9) float64; axis 1 is QUANTITIES, axis 3 is STATISTICS; NaN
                     where a statistic is not finite or means nothing
    exponents        (S, 3, L) int16; k of the dyadic range [-2^k, 2^k)
    histograms       (H, 3, L, 130) uint32, see `ablate.probe.histogram`
    histogram_steps  (H,) int64
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ablate.config.training import Probe

QUANTITIES = ("activation", "activation_gradient", "weight_gradient")
STATISTICS = ("mean", "std", "zero", "dead", "saturated", "p15", "p50", "p85", "rms")


def steps_to_probe(probe: Probe, total_steps: int) -> tuple[int, ...]:
    """Return the steps after which the network is probed, ascending.

    `log`: 0, 1, 2, 5, 10, 20, 50, ... below `total_steps`, and `total_steps`.
    """
    match probe.steps:
        case "off":
            return ()
        case "ends":
            return tuple(sorted({0, total_steps}))
        case "log":
            decades = range(len(str(total_steps)))
            marks = {m * 10**d for d in decades for m in (1, 2, 5) if m * 10**d < total_steps}
            return tuple(sorted({0, total_steps} | marks))


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """Return the columns of a tidy table, a row per step, quantity and layer.

    Columns: step, layer (from 1), layer_name, quantity, the nine STATISTICS, exponent,
    histogram (a list of 130 counts, or None). An empty mapping gives empty columns.
    """
    names = ("step", "layer", "layer_name", "quantity", *STATISTICS, "exponent", "histogram")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    if not arrays:
        return columns
    layers = [str(name) for name in arrays["layers"]]
    steps, values = arrays["steps"], arrays["statistics"]
    shape = values.shape[:3]
    columns["step"] = np.repeat(steps, shape[1] * shape[2]).tolist()
    columns["layer"] = np.tile(np.arange(1, shape[2] + 1), shape[0] * shape[1]).tolist()
    columns["layer_name"] = layers * (shape[0] * shape[1])
    columns["quantity"] = np.repeat(QUANTITIES, shape[2]).tolist() * shape[0]
    for i, name in enumerate(STATISTICS):
        columns[name] = values[..., i].ravel().tolist()
    columns["exponent"] = arrays["exponents"].ravel().tolist()
    counts = dict(zip(arrays["histogram_steps"].tolist(), arrays["histograms"], strict=True))
    rows = shape[1] * shape[2]
    for step in steps.tolist():
        known = step in counts
        columns["histogram"] += counts[step].reshape(rows, -1).tolist() if known else [None] * rows
    return columns
