"""The `probe` settings."""

from typing import Literal

from ablate.config.base import Frozen, Positive


class Probe(Frozen):
    """Streaming statistics of activations and gradients, and what else figures look at.

    Whatever costs time is off, and is set by itself where an item of a study's report shows it.
    """

    steps: Literal["log", "ends", "off"] = "ends"
    """`ends`: 0 and the last; `log`: 0, 1, 2, 5, 10, 20, 50, ... and the last; `off`."""
    examples: Positive = 256
    """Of the training split, the same at every step; of 256 a unit that is active on one in a
    hundred misses all in 8 % of cases, and counts as dead."""
    histograms: bool = False
    """Whether the first and the last step probed have histograms."""
    weights: bool = False
    """Whether the weights that training ends with are counted, by layer and by pixel."""
    units: bool = False
    """Whether it is measured at the end how alike the units of a layer are, on the same examples:
    `units/alike` and `units/effective`."""
    train_accuracy: bool = False
    """Whether evaluations have the accuracy on the training examples as well, at most 10,000."""
