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
    then: Literal["stop", "retrain", "go_on"] = "stop"
    """`retrain`: train anew on training and validation examples, for as many steps as the best
    evaluation came after (algorithm 7.2 of Goodfellow et al. 2016); `go_on`: train on from there,
    on both, until the loss on validation is at most what the loss on training was, or the steps
    are used up (algorithm 7.3). What is said of validation is what it was before."""


StoppingConfig = ByName[NoStopping | Patience]
