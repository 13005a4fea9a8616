"""The `stopping` group: when training ends before its last epoch."""

from typing import Literal

from ablate.config.base import ByName, Frozen, Positive

#: What is looked at, at each evaluation.
Monitor = Literal[
    "validation/loss", "validation/accuracy", "validation/r2", "validation/f1",
    "validation/bits_per_byte",
]  # fmt: skip


class NoStopping(Frozen):
    """Training runs for all its epochs."""

    name: Literal["none"] = "none"


class Patience(Frozen):
    """Training ends when `patience` evaluations in a row brought nothing better."""

    name: Literal["patience"]
    monitor: Monitor = "validation/loss"
    """What is looked at, at each evaluation."""
    patience: Positive = 5
    """Evaluations without a better value that are waited for."""
    restore: bool = True
    """Take the weights of the best evaluation instead of the last."""


StoppingConfig = ByName[NoStopping | Patience]
