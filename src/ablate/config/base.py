"""The base of every config class, and the number types they share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Frozen(BaseModel):
    """Immutable and strict: no unknown key, no text where a number belongs, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _integral(value: Any) -> Any:
    """5.0 and 5 are the same count, so that they get the same key."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Count = Annotated[int, BeforeValidator(_integral), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_integral), Field(ge=1)]
Counts = Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
#: A probability that may be zero but not one: a unit dropped for sure carries nothing.
DropProbability = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
