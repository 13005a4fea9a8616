"""Streaming per-layer statistics of activations, activation gradients and weight gradients.

A run's probe is a mapping of packed arrays, for L layers, S probed steps, and H steps with
histograms (none, or the first and, in a run that did not diverge, the last):

    layers           (L,) names of the hidden layers
    steps            (S,) int64
    statistics       (S, 3, L, 9) float64; axis 1 is `metrics.PROBED`, axis 3
                     `metrics.STATISTICS`; NaN where one is not finite or means nothing
    exponents        (S, 3, L) int16; k of the dyadic range [-2^k, 2^k) of a histogram
    histograms       (H, 3, L, 130) uint32, see `ablate.probe.histogram`
    histogram_steps  (H,) int64

and those of `ablate.probe.weights` where the config asks for them.
"""

from ablate.config.probe import Probe


def steps_to_probe(probe: Probe, total_steps: int) -> tuple[int, ...]:
    """Return the steps after which the network is probed, ascending.

    `log`: 0, 1, 2, 5, 10, 20, 50, ... below `total_steps`, and `total_steps`.
    """
    if probe.steps == "off":
        return ()
    marks = {0, total_steps}
    if probe.steps == "log":
        decades = range(len(str(total_steps)))
        marks |= {m * 10**d for d in decades for m in (1, 2, 5) if m * 10**d < total_steps}
    return tuple(sorted(marks))
