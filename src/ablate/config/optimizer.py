"""The `optimizer` group."""

from typing import Literal

from ablate.config.base import BelowOne, ByName, Frozen, NonNegativeFloat, Positive, PositiveFloat


class _Optimizer(Frozen):
    """What every optimizer but L-BFGS has."""

    lr: PositiveFloat = 0.1
    weight_decay: NonNegativeFloat = 0.0
    """L2 strength, on weights only, never on biases or a norm's parameters."""
    decoupled: bool = False
    """False: the penalty's gradient joins the loss gradient; true: weights shrink by
    lr * weight_decay beside the step (Loshchilov & Hutter 2019)."""
    clip_norm: PositiveFloat | None = None
    """The gradient over all parameters is scaled down to this norm; null: never."""
    average_over: Positive = 1
    """Mini-batches whose gradients a step takes the mean of, before it is clipped."""
    average_window: bool = False
    """False: a step after every so many batches, of these; true: a step after each batch, of the
    last so many, of fewer at first."""


class Sgd(_Optimizer):
    """Plain stochastic gradient descent."""

    name: Literal["sgd"]


class MomentumSgd(_Optimizer):
    """SGD with heavy-ball momentum, or Nesterov's."""

    name: Literal["momentum", "nesterov"]
    lr: PositiveFloat = 0.02
    momentum: BelowOne = 0.9
    exponential_average: bool = False
    """False: v <- momentum v + g; true: v <- momentum v + (1 - momentum) g, an average of
    gradients, which goes as far at a rate 1 / (1 - momentum) times as high."""


class Adagrad(_Optimizer):
    """Duchi et al. 2011: steps divided by the root of the sum of squared gradients."""

    name: Literal["adagrad"]
    lr: PositiveFloat = 0.01
    eps: PositiveFloat = 1e-10


class RmsProp(_Optimizer):
    """Tieleman & Hinton 2012: steps divided by a running root mean square of gradients."""

    name: Literal["rmsprop"]
    lr: PositiveFloat = 0.001
    alpha: BelowOne = 0.99
    """Decay of the mean square; 0: the last squared gradient alone."""
    eps: PositiveFloat = 1e-8


class RmsPropMomentum(RmsProp):
    """RMSProp whose divided gradients pass through heavy-ball momentum, or Nesterov's."""

    name: Literal["rmsprop_momentum"]  # type: ignore[assignment]
    momentum: BelowOne = 0.9
    nesterov: bool = False
    """True: a step takes the divided gradient and momentum times the velocity that it joined."""


class Adadelta(_Optimizer):
    """Zeiler 2012: RMSProp in units of the weights; `lr` scales its own step size."""

    name: Literal["adadelta"]
    lr: PositiveFloat = 1.0
    rho: BelowOne = 0.9
    eps: PositiveFloat = 1e-6


class Adam(_Optimizer):
    """Kingma & Ba 2015; `adam_uncorrected` leaves out the bias correction."""

    name: Literal["adam", "adam_uncorrected"]
    lr: PositiveFloat = 0.001
    beta1: BelowOne = 0.9
    beta2: BelowOne = 0.999
    eps: PositiveFloat = 1e-8


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]  # type: ignore[assignment]
    weight_decay: NonNegativeFloat = 0.01
    decoupled: bool = True


class Lbfgs(Frozen):
    """L-BFGS with a strong Wolfe line search on each batch (Nocedal & Wright 2006, ch. 7)."""

    name: Literal["lbfgs"]
    lr: PositiveFloat = 1.0
    iterations: Positive = 10
    """Per batch, at most."""
    history: Positive = 10
    """Pairs of steps and gradient changes kept."""


FirstOrder = Sgd | MomentumSgd | Adagrad | RmsProp | RmsPropMomentum | Adadelta | Adam | AdamW
OptimizerConfig = ByName[
    Sgd | MomentumSgd | Adagrad | RmsProp | RmsPropMomentum | Adadelta | Adam | AdamW | Lbfgs
]
