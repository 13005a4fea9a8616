"""The `schedule` group: how the learning rate changes over training."""

from typing import Annotated, Literal

from pydantic import Field

from ablate.config.base import (
    ByName,
    Fraction,
    Frozen,
    Many,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
)
from ablate.config.stopping import Monitor

Factor = Annotated[float, Field(gt=0, le=1)]


class _Schedule(Frozen):
    """What every schedule has."""

    warmup: NonNegativeFloat = 0.0
    """Epochs over which the learning rate rises linearly from 0."""


class ConstantSchedule(_Schedule):
    """The learning rate stays."""

    name: Literal["constant"]


class Step(_Schedule):
    """The learning rate is multiplied by `gamma` at each milestone, a fraction of training."""

    name: Literal["step"]
    milestones: Many[Fraction] = (0.5, 0.75)
    gamma: Factor = 0.1


class Plateau(_Schedule):
    """The learning rate is multiplied by `gamma` when validation stops getting better."""

    name: Literal["plateau"]
    monitor: Monitor = "validation/loss"
    """What is looked at, at each evaluation."""
    patience: Positive = 2
    """Evaluations without a better value that are waited for."""
    gamma: Factor = 0.1


class Exponential(_Schedule):
    """The learning rate is multiplied by `gamma` per epoch, step by step."""

    name: Literal["exponential"]
    gamma: Factor = 0.8


class InverseTime(_Schedule):
    """The learning rate is divided by (1 + `decay` x epochs) to the power of `power`.

    A power of 1 is the 1/t of Robbins & Monro (1951), one of 0.5 the 1/sqrt(t) under which Adam's
    regret is bounded (Kingma & Ba 2015).
    """

    name: Literal["inverse_time"]
    decay: PositiveFloat = 1.0
    power: Factor = 1.0


class LinearSchedule(_Schedule):
    """The learning rate falls along a line to `final` times its start."""

    name: Literal["linear"]
    final: Fraction = 0.0


class Cosine(_Schedule):
    """The learning rate falls along half a cosine to `final` times its start."""

    name: Literal["cosine"]
    final: Fraction = 0.0


class CosineRestarts(_Schedule):
    """Half a cosine, `cycles` times over (Loshchilov & Hutter 2017; snapshot ensembles)."""

    name: Literal["cosine_restarts"]
    cycles: Positive = 5
    final: Fraction = 0.0


class OneCycle(_Schedule):
    """Up along half a cosine until `peak` of training, then down (Smith & Topin 2018).

    start  learning rate at the start, as a share of the highest
    final  learning rate at the end, as a share of the highest
    """

    name: Literal["one_cycle"]
    peak: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Factor = 0.04
    final: Fraction = 0.0


ScheduleConfig = ByName[
    ConstantSchedule | Step | Plateau | Exponential | InverseTime | LinearSchedule | Cosine
    | CosineRestarts | OneCycle
]  # fmt: skip
