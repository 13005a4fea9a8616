"""The `probe` settings."""

from typing import Literal

from ablate.config.base import Frozen, Positive


class Probe(Frozen):
    """Streaming statistics of activations and gradients."""

    steps: Literal["log", "ends", "off"] = "ends"
    """`ends`: 0 and the last; `log`: 0, 1, 2, 5, 10, 20, 50, ... and the last; `off`."""
    examples: Positive = 256
    """Of the training split, the same at every step; of 256 a unit that is active on one in a
    hundred misses all in 8 % of cases, and counts as dead."""
    histograms: bool = False
    """Whether the first and the last step probed have histograms; where an item of a study's report
    shows some, they have."""
