"""The group `trainer` and the `probe` settings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablate.config.base import Count, Frozen, Positive
from ablate.config.target import COMMAND, TARGET, Arguments, Dotted, Target, flattened, gathered

#: Runtime only: they never change a result, so they are no part of a run's key.
RUNTIME_FIELDS: dict[str, Any] = {"trainer": {"device", "stack", "save"}}


#: What differs between replicates.
Varied = Literal["all", "none", "split", "bootstrap", "init", "order", "augment", "dropout"]


class Trainer(Frozen):
    """How long, on what, and how much is kept.

    epochs       0 trains nothing: the probe at step 0 is all there is
    eval_every   steps between evaluations on validation; null: once an epoch
    bootstrap    train on as many examples, drawn with replacement from the training split
    vary         the source of randomness that differs between replicates: all of them, none, or
                 one, while the others draw as in replicate 0
    precision    of matrix products; bf16 by autocast, parameters stay fp32
    device       auto: CUDA where there is one
    stack        replicates trained in one program: `auto` 8 where it is faster (mlp, or a GPU),
                 off, or a number; an mlp on a CPU has the same bits in any stack
    save         weights kept: none, of the last step, or of the best validation loss

    Or a training procedure of the user's own, `{_target_: mylab.train.fit, epochs: 20}` or
    `{command: python train.py, epochs: 20}`. Then every key but the last three is one of
    `arguments`, and the fields above it mean nothing.

    target       dotted path of the procedure
    command      what to run instead
    """

    epochs: Count = 5
    batch_size: Positive = 128
    eval_every: Positive | None = None
    bootstrap: bool = False
    vary: Varied = "all"
    precision: Literal["fp32", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    stack: Literal["auto", "off"] | Positive = "auto"
    save: Literal["none", "last", "best"] = "none"
    target: Dotted | None = None
    command: str | None = None
    arguments: Arguments = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.epochs, self.target, self.command))  # arguments are no key of a set

    @property
    def is_own(self) -> bool:
        """Tell whether the user's own procedure trains, and not this package's loop."""
        return self.target is not None or self.command is not None

    @property
    def procedure(self) -> Target | None:
        """The function that trains, where it is the user's own."""
        if self.target is None:
            return None
        return Target(target=self.target, arguments=self.arguments)

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        return gathered(value, {*RUNTIME_FIELDS["trainer"], COMMAND})

    @model_validator(mode="after")
    def _one_procedure(self) -> Trainer:
        if self.target is not None and self.command is not None:
            raise ValueError(
                f"trainer.{COMMAND}='{self.command}' is not allowed beside "
                f"trainer.{TARGET}={self.target}: give one of them"
            )
        if self.command is not None and not self.command.split():
            raise ValueError("trainer.command is empty: give the words of a command")
        return self

    @model_serializer(mode="wrap")
    def _flattened(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = handler(self)
        if not self.is_own:
            return {k: v for k, v in fields.items() if k not in (*_OWN_FIELDS, "arguments")}
        kept = {*_OWN_FIELDS, "arguments", *RUNTIME_FIELDS["trainer"]}
        return flattened({k: v for k, v in fields.items() if k in kept and v is not None})


_OWN_FIELDS = ("target", COMMAND)


class Probe(Frozen):
    """Streaming statistics of activations and gradients.

    steps     `log`: 0, 1, 2, 5, 10, 20, 50, ... and the last; `ends`: 0 and the last; `off`
    examples  of the training split, the same at every step
    """

    steps: Literal["log", "ends", "off"] = "log"
    examples: Positive = 500
