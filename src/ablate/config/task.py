"""The `task` group: what is predicted, how it is scored, and what follows from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ablate.config.base import ByName, Frozen, PositiveFloat
from ablate.config.target import Either, Target

#: A token that is not counted where it is to be predicted, as torch's cross-entropy has it.
IGNORED = -100
#: What data can say of itself, see `ablate.Data`.
Shipped = Literal["classification", "regression", "multilabel", "next_token"]


@dataclass(frozen=True)
class Facts:
    """What is known of a task without asking it, which would take torch.

    scores          by name, the one that is watched beside the loss first
    of_members      what an ensemble reports of its members, as `members/...`
    of_several      likewise, of two and more
    of_whole        scores that take whole outputs, where the ledger keeps less of them: an ensemble
                    has none
    per_token       whether each token of a sequence has outputs of its own
    nothing_learnt  when a run is n/c, as a caption says it
    """

    scores: tuple[str, ...]
    of_members: tuple[str, ...]
    nothing_learnt: str
    of_several: tuple[str, ...] = ()
    of_whole: tuple[str, ...] = ()
    per_token: bool = False


class OfData(Frozen):
    """What the data is for: of each shipped set it is known, a function of one's own says it."""

    name: Literal["auto"] = "auto"


class Classification(Frozen):
    """One of K classes; trained by cross-entropy, see `loss`."""

    name: Literal["classification"]
    facts: ClassVar[Facts] = Facts(
        scores=("accuracy", "loss", "nll", "brier", "ece"),
        of_members=("accuracy", "brier"),
        of_several=("covariance", "disagreement"),
        nothing_learnt="cross-entropy not below 0.98 H and accuracy below p + 0.1 (1 − p), with H "
        "the entropy of the training labels and p the largest class share",
    )


class Regression(Frozen):
    """Numbers, one or several, each in standard deviations of those that are trained on."""

    name: Literal["regression"]
    error: Literal["squared", "absolute"] = "squared"
    """What training minimizes."""
    facts: ClassVar[Facts] = Facts(
        scores=("r2", "loss", "rmse", "mae"),
        of_members=("mse", "ambiguity"),
        nothing_learnt="an error not below 0.98 of that of the best constant on the training "
        "targets",
    )


class Multilabel(Frozen):
    """Any number of L labels at once; trained by the binary cross-entropy of each."""

    name: Literal["multilabel"]
    facts: ClassVar[Facts] = Facts(
        scores=("f1", "loss", "average_precision"),
        of_members=("f1",),
        of_several=("disagreement",),
        nothing_learnt="cross-entropy not below 0.98 H and average precision below "
        "p + 0.1 (1 − p), with H the mean entropy of the training labels and p their mean share",
    )


class NextToken(Frozen):
    """The token that follows, at every place of a sequence; trained by cross-entropy."""

    name: Literal["next_token"]
    bytes_per_token: PositiveFloat = 1.0
    """Of the text, on average: what bits per byte are counted by. 1 where tokens are bytes."""
    facts: ClassVar[Facts] = Facts(
        scores=("bits_per_byte", "loss", "perplexity", "accuracy"),
        of_members=("bits_per_byte",),
        of_whole=("accuracy",),
        per_token=True,
        nothing_learnt="cross-entropy not below 0.98 of the entropy of the training tokens' shares",
    )


_Options = Classification | Regression | Multilabel | NextToken
TaskConfig = Either[ByName[OfData | _Options], Target]

#: The facts of each task, by its name.
FACTS: Mapping[str, Facts] = {
    get_args(option.model_fields["name"].annotation)[0]: option.facts
    for option in get_args(_Options)
}
#: What tuning, stopping and plateaus may go by.
BY_VALIDATION = ("validation/loss", *(f"validation/{own.scores[0]}" for own in FACTS.values()))


def on_validation(task: str) -> tuple[str, ...]:
    """Return what is looked at on validation while networks train: the loss, and what is watched.

    Of a task of the user's own that is the loss alone, as far as anybody knows here.
    """
    known = FACTS.get(task)
    return ("validation/loss", *((f"validation/{known.scores[0]}",) if known else ()))
