"""Numbers, one or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.task import Regression as Options
from ablate.errors import ConfigError
from ablate.tasks.task import How, Outputs, Targets, in_float

#: Of the error of a guess: a network that is not below it has learnt nothing.
_GUESS_SHARE = 0.98


@dataclass(frozen=True)
class Regression:
    """Outputs and targets are numbers (N, K), float32.

    Each target is measured from the mean of the examples that a replicate trains on, in their
    standard deviations: initial weights and learning rates suit every unit, and errors say how much
    of the spread is left. Guessing the mean has a squared error of 1 on the training split.
    """

    error: Literal["squared", "absolute"] = "squared"
    name: str = "regression"
    watched: str = "r2"
    per_token: bool = False

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return the number of targets."""
        return targets.shape[1]

    def mismatch(self, targets: Tensor) -> str | None:
        """Targets are finite numbers in columns."""
        fits = targets.ndim == 2 and targets.dtype == torch.float32
        if not fits:
            return "float32 (N,) or (N, K)"
        return None if bool(torch.isfinite(targets).all()) else "finite"

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Return (y - mean) / standard deviation; a target that does not vary has deviation 1."""
        mean, std = trained.double().mean(dim=0), trained.double().std(dim=0, correction=0)
        std[std == 0] = 1
        return ((targets.double() - mean) / std).float()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean error (R,) over examples and targets."""
        return self._errors(outputs, targets).mean(dim=(1, 2))

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over examples of each one's mean error over targets."""
        return self._errors(outputs, targets).mean(dim=2).sum()

    def _errors(self, outputs: Tensor, targets: Tensor) -> Tensor:
        difference = in_float(outputs) - targets
        return difference.square() if self.error == "squared" else difference.abs()

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return loss, r2, rmse and mae.

        r2          1 - sum of squares of errors / sum of squares about the mean of these targets,
                    the mean over targets that vary (the coefficient of determination)
        rmse, mae   in standard deviations of the training targets
        """
        if not np.isfinite(outputs).all():
            return {}
        y = targets.astype(np.float64)
        error = outputs.astype(np.float64) - y
        squares, about = (error**2).mean(axis=0), y.var(axis=0)
        varies = about > 0
        mean_square, mean_size = float(squares.mean()), float(np.abs(error).mean())
        return {
            "loss": mean_square if self.error == "squared" else mean_size,
            "r2": float((1 - squares[varies] / about[varies]).mean()) if varies.any() else 0.0,
            "rmse": mean_square**0.5,
            "mae": mean_size,
        }

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Tell whether the error is below 0.98 of that of the best constant.

        That is the mean of the training targets for squared errors, their median for absolute ones.
        """
        y = targets.astype(np.float64)
        if self.error == "squared":
            guess = float(((y - y.mean(axis=0)) ** 2).mean())
        else:
            guess = float(np.abs(y - np.median(y, axis=0)).mean())
        return scores["loss"] < _GUESS_SHARE * guess

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the mean of the views' predictions."""
        return torch.stack([one.float() for one in outputs]).mean(dim=0)

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return the mean of the predictions; raises ConfigError for a vote."""
        if how == "vote":
            raise ConfigError("ensemble.combine=vote is of classifiers; task=regression averages.")
        return np.asarray(np.mean(members, axis=0, dtype=np.float64))

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return the scores of the mean, and what its members are like.

        members/mse        mean over the members
        members/ambiguity  mean square of what a member differs from the mean by: the ensemble's
                           squared error is members/mse less it, exactly (Krogh & Vedelsby 1995)
        """
        together = self.combine(members, how)
        errors = members.astype(np.float64) - targets.astype(np.float64)
        apart = members.astype(np.float64) - together
        return {
            **{f"test/{name}": value for name, value in self.scores(together, targets).items()},
            "members/mse": float((errors**2).mean()),
            "members/ambiguity": float((apart**2).mean()),
        }

    def stored(self, outputs: Outputs, targets: Targets) -> npt.NDArray[np.float32]:
        """Return predictions in single precision, in the units of the training targets."""
        return outputs.astype(np.float32)


def build(config: RunConfig | None) -> Regression:
    """Return the task as a run asks for it; without a config all is as usual."""
    asked = config.task if config else None
    return Regression(asked.error if isinstance(asked, Options) else "squared")
