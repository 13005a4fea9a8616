"""The `probe` settings."""

from typing import Literal

from ablate.config.base import Frozen, Positive


class Probe(Frozen):
    """Streaming statistics of activations and gradients."""

    steps: Literal["log", "ends", "off"] = "log"
    """`log`: 0, 1, 2, 5, 10, 20, 50, ... and the last; `ends`: 0 and the last; `off`."""
    examples: Positive = 500
    """Of the training split, the same at every step."""
