"""The `penalty` group: what is added to the loss, or done to the weights after a step.

An option that does nothing has a default for its `name`, so that it leaves no trace in a run's
canonical form.
"""

from typing import Literal

from ablate.config.base import ByName, Frozen, NonNegativeFloat, PositiveFloat


class NoPenalty(Frozen):
    """Nothing but the loss (and `optimizer.weight_decay`)."""

    name: Literal["none"] = "none"


class L1(Frozen):
    """strength * sum |w| over the weights."""

    name: Literal["l1"]
    strength: NonNegativeFloat = 1e-4
    proximal: bool = False
    """False: its subgradient joins the gradient; true: weights are soft-thresholded by
    lr * strength after each step, which gives exact zeros."""


class ElasticNet(Frozen):
    """strength * sum |w| + l2/2 * sum w^2 over the weights (Zou & Hastie 2005)."""

    name: Literal["elastic_net"]
    strength: NonNegativeFloat = 1e-4
    l2: NonNegativeFloat = 1e-4
    proximal: bool = False


class MaxNorm(Frozen):
    """The weights into each unit are scaled back to norm `limit` after a step that exceeds it."""

    name: Literal["max_norm"]
    limit: PositiveFloat = 3.0


class ActivationL1(Frozen):
    """strength * the mean over examples of sum |h| over all hidden activations."""

    name: Literal["activation_l1"]
    strength: NonNegativeFloat = 1e-4


class _Pull(Frozen):
    """What pulls weights by squares, in the training itself: what comes before goes without."""

    strength: NonNegativeFloat = 1e-3


class L2(_Pull):
    """strength/2 * sum w^2 over the weights, in the training itself; pretraining goes without it.

    Of weights alone and without pretraining it is `optimizer.weight_decay`.
    """

    name: Literal["l2"]
    biases: bool = False
    """Penalize the biases of linear maps and convolutions too, which are usually left alone."""


class ToStart(_Pull):
    """strength/2 * sum (w - w_start)^2, towards where training starts (L2-SP, Li et al. 2018).

    With a pretrain these are the weights that were learnt; output layers, which are new, are then
    pulled towards zero.
    """

    name: Literal["to_start"]
    biases: bool = False
    """Pull the biases of linear maps and convolutions too."""


class Tied(_Pull):
    """strength/2 * sum (W_k - W_k+1)^2: hidden layers of one shape are pulled to the next one."""

    name: Literal["tied"]


#: Penalties by squares that have to know the network, and where it starts.
PULLS = L2 | ToStart | Tied

PenaltyConfig = ByName[NoPenalty | L1 | ElasticNet | MaxNorm | ActivationL1 | L2 | ToStart | Tied]
