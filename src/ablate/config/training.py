"""The groups `optimizer`, `schedule`, `trainer` and the `probe` settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ablate.config.base import Count, Fraction, Frozen, NonNegativeFloat, Positive, PositiveFloat

Momentum = Annotated[float, Field(ge=0, lt=1)]


class _Optimizer(Frozen):
    """What every optimizer has.

    weight_decay  L2 strength, on weights only, never on biases or batch norm's parameters
    decoupled     false: the penalty's gradient joins the loss gradient; true: weights shrink
                  by lr * weight_decay beside the step (Loshchilov & Hutter 2019)
    """

    lr: PositiveFloat = 0.1
    weight_decay: NonNegativeFloat = 0.0
    decoupled: bool = False


class Sgd(_Optimizer):
    """Plain stochastic gradient descent."""

    name: Literal["sgd"]


class MomentumSgd(_Optimizer):
    """SGD with heavy-ball momentum, or Nesterov's."""

    name: Literal["momentum", "nesterov"]
    lr: PositiveFloat = 0.02
    momentum: Momentum = 0.9


class Adam(_Optimizer):
    """Kingma & Ba 2015, with bias correction."""

    name: Literal["adam"]
    lr: PositiveFloat = 0.001
    beta1: Momentum = 0.9
    beta2: Momentum = 0.999
    eps: PositiveFloat = 1e-8


OptimizerConfig = Annotated[Sgd | MomentumSgd | Adam, Field(discriminator="name")]


class _Schedule(Frozen):
    """`warmup`: epochs over which the learning rate rises linearly from 0."""

    warmup: NonNegativeFloat = 0.0


class ConstantSchedule(_Schedule):
    """The learning rate stays."""

    name: Literal["constant"]


class Step(_Schedule):
    """The learning rate is multiplied by `gamma` at each milestone, a fraction of training."""

    name: Literal["step"]
    milestones: Annotated[
        tuple[Fraction, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = (0.5, 0.75)
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


class Cosine(_Schedule):
    """The learning rate falls along half a cosine to `final` times its start."""

    name: Literal["cosine"]
    final: Fraction = 0.0


ScheduleConfig = Annotated[ConstantSchedule | Step | Cosine, Field(discriminator="name")]


class Trainer(Frozen):
    """How long, on what, and how much is kept.

    epochs       0 trains nothing: the probe at step 0 is all there is
    eval_every   steps between evaluations on validation; null: once an epoch
    precision    of matrix products; bf16 by autocast, parameters stay fp32
    device       auto: CUDA where there is one
    stack        replicates trained in one program; no effect on results on a CPU
    save         weights kept: none, of the last step, or of the best validation loss
    """

    epochs: Count = 5
    batch_size: Positive = 128
    eval_every: Positive | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    stack: Literal["auto", "off"] | Positive = "auto"
    save: Literal["none", "last", "best"] = "none"


class Probe(Frozen):
    """Streaming statistics of activations and gradients.

    steps     `log`: 0, 1, 2, 5, 10, 20, 50, ... and the last; `ends`: 0 and the last; `off`
    examples  of the training split, the same at every step
    """

    steps: Literal["log", "ends", "off"] = "log"
    examples: Positive = 500


#: Runtime only: they never change a result, so they are no part of a run's key.
RUNTIME_FIELDS: dict[str, Any] = {"trainer": {"device", "stack", "save"}}
