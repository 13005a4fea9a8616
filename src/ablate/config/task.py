"""The `task` group: what is predicted, and how it is scored."""

from typing import Literal

from ablate.config.base import ByName, Frozen, PositiveFloat
from ablate.config.target import Either, Target

#: What data can say of itself, see `ablate.Data`.
Shipped = Literal["classification", "regression", "multilabel", "next_token"]


class OfData(Frozen):
    """What the data is for: of each shipped set it is known, a function of one's own says it."""

    name: Literal["auto"] = "auto"


class Classification(Frozen):
    """One of K classes; trained by cross-entropy, see `loss`."""

    name: Literal["classification"]


class Regression(Frozen):
    """Numbers, one or several, each in standard deviations of those that are trained on."""

    name: Literal["regression"]
    error: Literal["squared", "absolute"] = "squared"
    """What training minimizes."""


class Multilabel(Frozen):
    """Any number of L labels at once; trained by the binary cross-entropy of each."""

    name: Literal["multilabel"]


class NextToken(Frozen):
    """The token that follows, at every place of a sequence; trained by cross-entropy."""

    name: Literal["next_token"]
    bytes_per_token: PositiveFloat = 1.0
    """Of the text, on average: what bits per byte are counted by. 1 where tokens are bytes."""


TaskConfig = Either[ByName[OfData | Classification | Regression | Multilabel | NextToken], Target]
