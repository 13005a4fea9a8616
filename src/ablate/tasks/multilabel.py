"""Any number of L labels at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.metrics.scores import as_float16
from ablate.tasks.task import How, Outputs, Targets, in_float

_ENTROPY_SHARE = 0.98
_PRECISION_SHARE = 0.1


@dataclass(frozen=True)
class Multilabel:
    """Outputs are a logit for each label (N, L), targets 0 or 1, float32 (N, L)."""

    name: str = "multilabel"
    watched: str = "f1"
    per_token: bool = False

    def outputs(self, targets: Tensor, classes: int) -> int:
        """Return the number of labels."""
        return targets.shape[1]

    def mismatch(self, targets: Tensor) -> str | None:
        """Each label is there or not."""
        fits = targets.ndim == 2 and targets.dtype == torch.float32
        return None if fits and bool(((targets == 0) | (targets == 1)).all()) else "0 or 1, (N, L)"

    def scaled(self, targets: Tensor, trained: Tensor) -> Tensor:
        """Labels have no unit."""
        return targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean binary cross-entropy (R,) over examples and labels."""
        return self._errors(outputs, targets).mean(dim=(1, 2))

    def total(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over examples of each one's mean over labels."""
        return self._errors(outputs, targets).mean(dim=2).sum()

    def _errors(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the binary cross-entropy of each label, max(z, 0) - zy + ln(1 + exp(-|z|)).

        The last term is -ln sigmoid(|z|), by tanh: torch's own sigmoid and log1p treat the last
        elements of a tensor by other instructions than the rest, see `ablate.nn.activations`.
        """
        logits = in_float(outputs)
        certain = torch.tanh(logits.abs() * 0.5) * 0.5 + 0.5
        return logits.clamp(min=0) - logits * targets.to(logits.dtype) - certain.log()

    def scores(self, outputs: Outputs, targets: Targets) -> dict[str, float]:
        """Return loss, f1 and average_precision, the latter two means over labels that occur.

        f1                 of what has a probability above 1/2
        average_precision  the precision at each example that has the label, in order of falling
                           probability, on average (`sklearn.metrics.average_precision_score`)
        """
        if not np.isfinite(outputs).all():
            return {}
        logits, there = outputs.astype(np.float64), targets > 0.5
        occurs = there.any(axis=0)
        said = logits > 0
        right = (said & there).sum(axis=0)
        f1 = 2 * right / np.maximum(said.sum(axis=0) + there.sum(axis=0), 1)
        precision = [
            _average_precision(logits[:, label], there[:, label])
            for label in np.flatnonzero(occurs)
        ]
        return {
            "loss": float((np.logaddexp(0, logits) - logits * there).mean()),
            "f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
            "average_precision": float(np.mean(precision)) if precision else 0.0,
        }

    def learnt(self, scores: Mapping[str, float], targets: Targets) -> bool:
        """Tell whether training ended ahead of guessing by the labels' shares.

        It did not where both hold: the cross-entropy is at least 0.98 of the mean entropy of the
        shares, and the average precision is below p + 0.1 (1 - p), p the mean share of labels that
        occur, which is what a random order has.
        """
        p = targets.astype(np.float64).mean(axis=0)
        inside = p[(p > 0) & (p < 1)]
        entropy = -float((inside * np.log(inside) + (1 - inside) * np.log1p(-inside)).sum()) / len(
            p
        )
        share = float(p[p > 0].mean()) if (p > 0).any() else 0.0
        guessing = share + _PRECISION_SHARE * (1 - share)
        behind = scores["loss"] >= _ENTROPY_SHARE * entropy
        return not (behind and scores["average_precision"] < guessing)

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the logits of the mean of the views' probabilities."""
        shares = [torch.tanh(one.float() * 0.5) * 0.5 + 0.5 for one in outputs]
        p = torch.stack(shares).mean(dim=0).clamp(1e-7, 1 - 1e-7)
        return p.log() - (1 - p).log()

    def combine(self, members: Outputs, how: How) -> Outputs:
        """Return the logits of the mean of probabilities, or of the share of members in favour."""
        logits = members.astype(np.float64)
        if how == "average":
            p = (1 / (1 + np.exp(-logits))).mean(axis=0)
        else:
            p = (logits > 0).mean(axis=0)
        p = np.clip(p, 1e-12, 1 - 1e-12)
        return np.asarray(np.log(p) - np.log1p(-p))

    def ensemble_scores(self, members: Outputs, targets: Targets, how: How) -> dict[str, float]:
        """Return the scores of the combination, and the mean F1 and disagreement of members."""
        found = self.scores(self.combine(members, how), targets)
        if how == "vote":
            found.pop("loss")
        said = members > 0
        k = len(said)
        pairs = [(said[i] != said[j]).mean() for i in range(k) for j in range(i)]
        alone = [self.scores(member, targets)["f1"] for member in members]
        return {
            **{f"test/{name}": value for name, value in found.items()},
            "members/f1": float(np.mean(alone)),
            **({"members/disagreement": float(np.mean(pairs))} if pairs else {}),
        }

    def stored(self, outputs: Outputs, targets: Targets) -> npt.NDArray[np.float16]:
        """Return logits in half precision, what is beyond its range at its ends."""
        return as_float16(outputs)


def build(config: RunConfig | None) -> Multilabel:
    """Return the task as a run asks for it; without a config all is as usual."""
    return Multilabel()


def _average_precision(scores: npt.NDArray[np.float64], there: npt.NDArray[np.bool_]) -> float:
    """Return sum over distinct thresholds of (recall gained) times precision."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(there[order])
    last_of_equals = np.append(ranked[1:] != ranked[:-1], True)
    found = hits[last_of_equals]
    precision = found / (np.flatnonzero(last_of_equals) + 1)
    gained = np.diff(found, prepend=0)
    return float((precision * gained).sum() / there.sum())
