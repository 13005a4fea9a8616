"""The `loss` group: what training minimizes."""

from typing import Literal

from ablate.config.base import BelowOne, Frozen


class CrossEntropy(Frozen):
    """Cross-entropy against targets that give `label_smoothing` evenly to all classes."""

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: BelowOne = 0.0
