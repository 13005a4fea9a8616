"""The `stopping` group: when training ends before its last epoch."""

from typing import TYPE_CHECKING, Literal

from ablate.config.base import ByName, Frozen, Positive
from ablate.config.task import BY_VALIDATION

#: What is looked at, at each evaluation.
if TYPE_CHECKING:
    Monitor = str
else:
    Monitor = Literal[BY_VALIDATION]


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
