"""The `loss` group: what training minimizes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ablate.config.base import Frozen


class CrossEntropy(Frozen):
    """Cross-entropy against targets that give `label_smoothing` evenly to all classes."""

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


LossConfig = CrossEntropy
