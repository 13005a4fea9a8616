"""The `trainer` group: how long, on what, or by a procedure of the user's own."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablate.config.base import Count, Frozen, Positive
from ablate.config.target import COMMAND, TARGET, Arguments, Dotted, Target, flattened, gathered
from ablate.errors import one_of

#: Runtime only: they never change a result, so they are no part of a run's key.
RUNTIME_FIELDS: Mapping[str, set[str]] = {"trainer": {"device", "cpu_capability", "stack", "save"}}
#: What differs between replicates.
Varied = Literal[
    "all", "none", "split", "bootstrap", "init", "order", "augment", "dropout", "label_noise",
    "pretrain",
]  # fmt: skip


#: What a command is given beside its arguments, as `{name}` among its words.
GIVEN = ("config", "metrics", "replicate", "seed", "device")
#: `{name}`, or `{{name}}` for the text; a shell's `${name}` is neither.
_NAMED = re.compile(r"(?<![${])\{([^\W\d]\w*)\}|\{(\{[^\W\d]\w*\})\}")


class Trainer(Frozen):
    """How long, on what, and how much is kept.

    Or a training procedure of the user's own, `{_target_: mylab.train.fit, epochs: 20}` or
    `{command: python train.py, epochs: 20}`. Then every key but `device`, `cpu_capability`,
    `stack` and `save` is one of `arguments`, and the other fields mean nothing.
    """

    epochs: Count = 5
    """0 trains nothing: the probe at step 0 is all there is."""
    steps: Positive | None = None
    """Steps in place of epochs, whatever the number of examples; the last epoch may end early."""
    batch_size: Positive = 128
    """Examples of a step."""
    eval_every: Positive | None = None
    """Steps between evaluations on validation; null: once an epoch."""
    bootstrap: bool = False
    """Train on as many examples, drawn with replacement from the training split."""
    frozen: Count | Literal["hidden"] = 0
    """Hidden layers, counted from the inputs, that are not trained: weights, biases, slopes and
    norms stay, batch normalization uses running averages that stay too (of the training split,
    where nothing was trained before). `hidden`: all but the output layer."""
    vary: Varied = "all"
    """The source of randomness that differs between replicates: all of them, none, or one, while
    the others draw as in replicate 0."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of matrix products; bf16 by autocast, parameters stay fp32. About twice as fast where the
    processor has bfloat16 instructions (AVX512-BF16, AMX) or there is a GPU, slow elsewhere."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: CUDA where there is one."""
    cpu_capability: Literal["auto", "avx2", "avx512"] = "auto"
    """Vector instructions of a processor, which move the last bits: `auto` the best it has; on
    machines of several kinds `avx2` lets runs that are compared have the same."""
    stack: Literal["auto", "off"] | Positive = "auto"
    """Replicates trained in one program: `auto` 8 where it is faster (mlp, or a GPU), `off`, or a
    number; an mlp on a CPU has the same bits in any stack."""
    save: Literal["none", "last", "best"] = "none"
    """Weights kept: none, of the last step, or of the best validation loss."""
    target: Dotted | None = None
    """Dotted path of a training procedure."""
    command: str | None = None
    """Command to run instead of one; `{name}` in it is the argument `name`."""
    arguments: Arguments = Field(default_factory=dict)
    """Keyword arguments of either."""

    def __hash__(self) -> int:
        # Arguments are no key of a set.
        return hash((self.epochs, self.steps, self.target, self.command))

    @property
    def is_user_code(self) -> bool:
        """Tell whether the user's own procedure trains, and not this package's loop."""
        return self.target is not None or self.command is not None

    @property
    def trains(self) -> bool:
        """Tell whether there is a step at all."""
        return self.is_user_code or self.steps is not None or self.epochs > 0

    def steps_for(self, examples: int) -> int:
        """Return the steps of a training on so many examples."""
        if self.steps is not None:
            return self.steps
        return self.epochs * -(-examples // self.batch_size)

    @property
    def procedure(self) -> Target | None:
        """The function that trains, where it is the user's own."""
        if self.target is None:
            return None
        return Target(target=self.target, arguments=self.arguments)

    def words(
        self, usual: Mapping[str, Any] | None = None, ours: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Return the words of `command`, with `{name}` replaced in them; none without one.

        usual  values by name; an argument of the user's own stands before them
        ours   those that stand before arguments

        A text is put in as it is, all else as JSON has it. What has no value stays.
        """
        values = {**(usual or {}), **self.arguments, **(ours or {})}

        def replaced(found: re.Match[str]) -> str:
            name, text = found.groups()
            if name not in values:
                return text or found.group()
            value = values[name]
            return value if isinstance(value, str) else json.dumps(value)

        return [_NAMED.sub(replaced, word) for word in shlex.split(self.command or "")]

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        return gathered(value, {*RUNTIME_FIELDS["trainer"], COMMAND})

    @model_validator(mode="after")
    def _one_procedure(self) -> Self:
        if self.target is not None and self.command is not None:
            raise ValueError(
                f"trainer.{COMMAND}='{self.command}' is not allowed beside "
                f"trainer.{TARGET}={self.target}: give one of them"
            )
        if self.command is not None and not self.command.split():
            raise ValueError("trainer.command is empty: give the words of a command")
        try:
            shlex.split(self.command or "")
        except ValueError as error:
            raise ValueError(f"trainer.command={self.command} is no command: {error}") from None
        for name, _ in _NAMED.findall(self.command or ""):
            if name and name not in {*self.arguments, *GIVEN}:
                raise ValueError(
                    f"trainer.command has {{{name}}}, which is no argument of it; there is "
                    f"{one_of((*self.arguments, *GIVEN))}; {{{{{name}}}}} is the text itself"
                )
        return self

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.steps is not None and not self.is_user_code:
            # Of two ways to say how long, the one that counts: the other makes no other config.
            object.__setattr__(self, "epochs", type(self).model_fields["epochs"].default)
        return self

    @model_serializer(mode="wrap")
    def _flattened(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        user_fields = {"target", COMMAND, "arguments"}
        if not self.is_user_code:
            silent = "steps" if self.steps is None else "epochs"
            return {k: v for k, v in fields.items() if k not in {*user_fields, silent}}
        kept = user_fields | RUNTIME_FIELDS["trainer"]
        return flattened({k: v for k, v in fields.items() if k in kept and v is not None})
