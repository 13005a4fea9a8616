"""The `heads` group: what a network predicts beside its task, from layers that both share."""

from typing import Literal

from ablate.config.base import ByName, Count, Frozen, NonNegativeFloat


class NoHeads(Frozen):
    """The task alone."""

    name: Literal["none"] = "none"


class _Heads(Frozen):
    """What every head has."""

    weight: NonNegativeFloat = 1.0
    """The loss of each head is multiplied by it and added to the task's."""
    shared: Count | None = None
    """Hidden layers of an mlp, from the first on, that heads share with the task; behind them each
    has hidden layers of its own, of the task's sizes. Null: all of them; 0: none."""


class Reconstruction(_Heads):
    """The inputs, by a linear map behind the hidden layers; its loss is the mean squared error.

    Inputs are reconstructed as the network is given them: normalized, so that the mean everywhere
    has an error of about 1 (without `data.normalize`: that of inputs as they are stored), augmented
    and mixed as they are, and before `model.input_dropout`. With `data.labelled` a batch of all
    training examples is reconstructed in each step, which is neither augmented nor mixed.
    """

    name: Literal["reconstruction"]


class Others(_Heads):
    """The other targets that the data has, each by the loss and the scores of its own task."""

    name: Literal["others"]


HeadsConfig = ByName[NoHeads | Reconstruction | Others]
