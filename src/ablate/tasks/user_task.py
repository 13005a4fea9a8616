"""A task of the user's own, in the place of one of this package's."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate import user
from ablate.config.target import Target
from ablate.errors import AblateError, ConfigError
from ablate.tasks.task import How, Outputs, Targets, in_float

#: What an object of the user's own must have.
_NEEDED = ("outputs", "loss", "scores")


class UserTask:
    """Asks an object of the user's own, and does what is usual where it says nothing.

    outputs(targets)         how many a network needs, from training targets (N, ...)
    loss(outputs, targets)   a tensor (), from (B, K) and (B, ...)
    scores(outputs, targets) numbers by name, `loss` among them, from arrays (N, K) and (N, ...)
    watched                  a name among the scores; without it the loss alone is looked at
    per_token                true: each place of a sequence has outputs, (B, T, K) and (N, T, K)
    learnt(scores, targets)  whether a network is better than a guess; without it only what is not
                             finite is n/c
    combine(members)         outputs (N, K) of (M, N, K); without it their mean

    Replicates train one by one, so that these functions know of one network. Raises ConfigError
    where a function that is needed is not there.
    """

    def __init__(self, config: Target) -> None:
        """Make the object, with the arguments of the config."""
        self.name = config.target
        with self._calling():
            self._own: Any = user.call(config, "task")
        lacks = [name for name in _NEEDED if not callable(getattr(self._own, name, None))]
        if lacks:
            raise ConfigError(
                f"task={self.name} has no function '{lacks[0]}'; a task needs {', '.join(_NEEDED)}."
            )
        self.watched: str = getattr(self._own, "watched", "loss")
        self.per_token = bool(getattr(self._own, "per_token", False))

    @contextmanager
    def _calling(self) -> Iterator[None]:
        with user.calling("task", self.name):
            yield

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return what theirs says; raises ConfigError where that is no number of outputs."""
        with self._calling():
            count = self._own.outputs(targets)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigError(
                f"task={self.name}: outputs gives {count!r}; it must be a whole number from 1 on."
            )
        return count

    def mismatch(self, targets: Tensor) -> str | None:
        """Return None: what fits is theirs to know."""
        return None

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Targets stay as they are."""
        return targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return their loss of the one replicate, (1,)."""
        # Copies: a mixed batch's outputs are taken twice, a batch's targets by L-BFGS many times.
        with self._calling():
            value: Tensor = self._own.loss(in_float(outputs[0]).clone(), targets[0].clone())
            return value.reshape(1)

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return their loss times the number of examples: a mean over them is taken for granted."""
        return self.loss(outputs, targets).sum() * outputs.shape[1]

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return their scores as plain numbers; raises AblateError where the loss is not there."""
        if not np.isfinite(outputs).all():
            return {}
        with self._calling():
            found = self._own.scores(np.array(outputs, dtype=np.float64), np.array(targets))
            numbers = {str(name): float(value) for name, value in found.items()}
        for name in ("loss", self.watched):
            if name not in numbers:
                raise AblateError(
                    f"task={self.name}: scores gives {', '.join(numbers)}, and no {name}."
                )
        return numbers

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Return what theirs says, true where it says nothing."""
        if not hasattr(self._own, "learnt"):
            return True
        with self._calling():
            return bool(self._own.learnt(dict(scores), np.array(targets)))

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the mean of the views' outputs."""
        return torch.stack([in_float(one) for one in outputs]).mean(dim=0)

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return what theirs makes of members, else the mean; raises ConfigError for a vote."""
        if how == "vote":
            raise ConfigError(f"ensemble.combine=vote is of classifiers, and task={self.name}.")
        if not hasattr(self._own, "combine"):
            return np.asarray(np.mean(members, axis=0, dtype=np.float64))
        with self._calling():
            return np.asarray(self._own.combine(np.array(members, dtype=np.float64)))

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return the scores of the combination."""
        found = self.scores(self.combine(members, how), targets)
        return {f"test/{name}": value for name, value in found.items()}

    def stored(self, outputs: Outputs, targets: Targets) -> Outputs:
        """Return outputs in single precision."""
        return outputs.astype(np.float32)
