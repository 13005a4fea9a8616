"""The `data` group: which examples, how many, and how they are scaled."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ablate.config.base import (
    ByName,
    Count,
    Counts,
    Fraction,
    Frozen,
    Many,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
)
from ablate.config.target import Either, Target

#: 40 GB: more noise than anybody needs.
_MOST_NUMBERS = 10**10
#: 10 GB of the larger kind.
_MOST_PAIRS = 8 * 10**6
#: A direction whose deviation is a tenth of the inputs' own or less is more noise than signal.
WHITENING_EPS = 0.01


#: How inputs are scaled: not, by mean and deviation, or so that no two of them are correlated.
Normalize = bool | Literal["whitened"]
#: Some of the classes of a data set.
Classes = Annotated[Many[Count], Field(min_length=2)]


def refuse_repeated(key: str, classes: Sequence[int] | None) -> None:
    """Raise ValueError where a class is named twice."""
    if classes is not None and len({*classes}) < len(classes):
        raise ValueError(f"{key}={list(classes)} names a class twice: each may be there once")


class _Data(Frozen):
    """What every data set of this package has."""

    train_size: Positive | None = None
    """Examples trained on; null: all that validation leaves."""
    labelled: Positive | None = None
    """How many of them, from the first on, have a label that training may use: the task is trained
    on these alone, and `heads=reconstruction` sees the others too. Null: all of them."""
    validation_size: Positive = 5000
    """Examples held out of the training set, drawn anew in each replicate."""
    test_size: Positive | None = None
    """Examples of the fixed test set scored; null: all of them."""
    normalize: Normalize = True
    """Subtract mean and divide by standard deviation of the training split; `whitened`: then
    subtract each input's own mean and multiply by the inverse root of the inputs' covariance there,
    so that all inputs have variance 1 and no two of them are correlated."""
    whitening_eps: PositiveFloat = WHITENING_EPS
    """Added to each variance of the covariance before its root is taken, in units of the scaled
    inputs: directions that vary less stay small instead of becoming as large as all others."""
    label_noise: Fraction = 0.0
    """Share of the training labels that another class takes the place of, drawn uniformly among the
    others; training loss and accuracy are of these labels, validation and test have true ones."""


class _Images(_Data):
    """Real images of several classes."""

    classes: Classes | None = None
    """Only examples of these, in training, validation and test; they are numbered from 0 in the
    order given. Null: all."""

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        refuse_repeated("data.classes", self.classes)
        return self


class Digits(_Images):
    """The 1,797 real 8 x 8 digits that scikit-learn ships; 360 of them are the test set."""

    name: Literal["digits"]
    validation_size: Positive = 237


class DownloadedData(_Images):
    """A published data set in its original files."""

    name: Literal["mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100"]


class Synthetic(_Data):
    """Gaussian classes for tests and for `signal`: x = separation * mean[class] + N(0, 1)."""

    name: Literal["synthetic"]
    shape: Counts = (20,)
    """Of one example: [features] or [channels, height, width]."""
    classes: Annotated[Positive, Field(ge=2)] = 10
    train_examples: Positive = 1000
    test_examples: Positive = 200
    validation_size: Positive = 200
    separation: NonNegativeFloat = 1.0
    """0 gives pure noise, x ~ N(0, 1)."""

    @model_validator(mode="after")
    def _held_in_memory(self) -> Self:
        of_example = math.prod(self.shape)
        numbers = (self.train_examples + self.test_examples + self.classes) * of_example
        if numbers > _MOST_NUMBERS:
            raise ValueError(
                f"data.train_examples={self.train_examples}, data.test_examples="
                f"{self.test_examples} and data.classes={self.classes} of data.shape="
                f"{list(self.shape)} are {numbers} numbers; at most {_MOST_NUMBERS} are drawn"
            )
        return self


class Diabetes(_Data):
    """The 442 patients that scikit-learn ships: ten measurements, and how far their disease went.

    88 of them are the test set (Efron et al. 2004).
    """

    name: Literal["diabetes"]
    validation_size: Positive = 54


class Friedman(_Data):
    """Numbers with known noise: 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise N(0, 1).

    Features are drawn evenly from [0, 1] (Friedman 1991).
    """

    name: Literal["friedman"]
    train_examples: Positive = 1000
    test_examples: Positive = 2000
    validation_size: Positive = 200
    features: Annotated[Positive, Field(ge=5)] = 10
    """Those beyond the fifth tell nothing."""
    noise: NonNegativeFloat = 1.0
    """The noise is multiplied by it; the rest has a standard deviation of 4.9."""

    @model_validator(mode="after")
    def _held_in_memory(self) -> Self:
        numbers = (self.train_examples + self.test_examples) * self.features
        if numbers > _MOST_NUMBERS:
            raise ValueError(
                f"data.train_examples={self.train_examples} and data.test_examples="
                f"{self.test_examples} of data.features={self.features} are {numbers} numbers; at "
                f"most {_MOST_NUMBERS} are drawn"
            )
        return self


class UnequalScales(_Data):
    """Two features on scales 10,000 apart that tell alike: y = z1 + z2 + noise N(0, 1).

    x1 is drawn evenly from [1000, 2000] and x2 from [0.1, 0.2]; z1 and z2 are these with mean 0 and
    variance 1.
    """

    name: Literal["unequal_scales"]
    train_examples: Positive = 1000
    test_examples: Positive = 2000
    validation_size: Positive = 200
    noise: NonNegativeFloat = 0.1
    """The noise is multiplied by it; the rest has a standard deviation of 1.4."""

    @model_validator(mode="after")
    def _held_in_memory(self) -> Self:
        examples = self.train_examples + self.test_examples
        if 2 * examples > _MOST_NUMBERS:
            raise ValueError(
                f"data.train_examples={self.train_examples} and data.test_examples="
                f"{self.test_examples} are {2 * examples} numbers; at most {_MOST_NUMBERS} are "
                "drawn"
            )
        return self


class Grammar(_Data):
    """Text of a small grammar, character by character; the best possible score is known.

    Sentences of which verbs agree with a noun some words before, see `ablate.data.grammar`.
    """

    name: Literal["grammar"]
    train_examples: Positive = 20_000
    test_examples: Positive = 1000
    validation_size: Positive = 1000
    length: Positive = 64
    """Characters of an example, each of which has another to be predicted."""

    @model_validator(mode="after")
    def _held_in_memory(self) -> Self:
        numbers = (self.train_examples + self.test_examples) * self.length
        if numbers > _MOST_NUMBERS:
            raise ValueError(
                f"data.train_examples={self.train_examples} and data.test_examples="
                f"{self.test_examples} of data.length={self.length} are {numbers} characters; at "
                f"most {_MOST_NUMBERS} are drawn"
            )
        return self


class _Pairs(_Data):
    """Two digits over each other, each pixel the brighter of both.

    The target is which lies on the upper left, the other target, `second`, which on the lower
    right.
    Of so many pairs as there are digits each is once in either place, and again in the next so
    many; test pairs are of test digits.
    """

    train_examples: Positive
    test_examples: Positive

    @model_validator(mode="after")
    def _held_in_memory(self) -> Self:
        pairs = self.train_examples + self.test_examples
        if pairs > _MOST_PAIRS:
            raise ValueError(
                f"data.train_examples={self.train_examples} and data.test_examples="
                f"{self.test_examples} are {pairs} pairs; at most {_MOST_PAIRS} are made"
            )
        return self


class MnistPairs(_Pairs):
    """Two MNIST digits on 36 x 36 pixels, eight apart (after Sabour et al. 2017)."""

    name: Literal["mnist_pairs"]
    train_examples: Positive = 25000
    """Pairs of training digits, validation included."""
    test_examples: Positive = 10000


class DigitsPairs(_Pairs):
    """Likewise two of the digits that scikit-learn ships, on 12 x 12 pixels, four apart."""

    name: Literal["digits_pairs"]
    train_examples: Positive = 1437
    """Pairs of training digits, validation included."""
    test_examples: Positive = 360
    validation_size: Positive = 237


class UserData(Target):
    """A user's own function that returns `ablate.Data`; the keys below are not its arguments."""

    train_size: Positive | None = None
    """As for every data set, as are `labelled`, `test_size`, `normalize` and `whitening_eps`."""
    labelled: Positive | None = None
    validation_size: Positive | None = None
    """Null: a tenth of the training set; of no use where the function returns a validation set."""
    test_size: Positive | None = None
    normalize: Normalize = True
    whitening_eps: PositiveFloat = WHITENING_EPS
    at_most: Positive | None = None
    """Examples kept of each part, drawn once; null: all. `--quick` sets it."""
    #: No key here: a function of the user's own returns the labels that it likes.
    label_noise: ClassVar[float] = 0.0


Shipped = ByName[
    Digits
    | DownloadedData
    | Synthetic
    | Diabetes
    | Friedman
    | UnequalScales
    | Grammar
    | MnistPairs
    | DigitsPairs
]
DataConfig = Either[Shipped, UserData]
