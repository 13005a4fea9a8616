"""The group `trainer` and the `probe` settings."""

from __future__ import annotations

from typing import Any, Literal

from ablate.config.base import Count, Frozen, Positive


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
