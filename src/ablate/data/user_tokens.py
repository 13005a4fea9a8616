"""Sequences of tokens of the user's own, and values that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ablate.config.task import IGNORED
from ablate.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

#: Columns that a sentence names.
_NAMED = 3


def are_tokens(x: Tensor) -> bool:
    """Tell whether examples are tokens: whole numbers that are no bytes."""
    return not x.is_floating_point() and x.dtype.itemsize > 1


def vocabulary_of(source: str, declared: int, task: str, parts: Mapping[str, Tensor]) -> int:
    """Return how many different tokens there are; 0 where examples are numbers.

    parts  examples of each part; int64 (N, T) where they are tokens

    Raises ConfigError where tokens lie outside of the vocabulary, or where nobody says that whole
    numbers are some.
    """
    where = f"data={source}: vocabulary is {declared!r}"
    if isinstance(declared, bool) or not isinstance(declared, int) or declared < 0:
        raise ConfigError(f"{where}; it must be a whole number, or 0 for as many as there are.")
    shape = tuple(parts["train"].shape)
    if not are_tokens(parts["train"]):
        if declared:
            raise ConfigError(f"{where}, but x has no tokens; they are int64 (N, T).")
        if task == "next_token":
            raise ConfigError(f"data={source}: for task='next_token' x must be int64 (N, T).")
        return 0
    if not declared and task != "next_token":
        raise ConfigError(
            f"data={source}: x is int64 {shape}; numbers must be float32 or uint8, and tokens are "
            "what ablate.Data(..., vocabulary=V) says."
        )
    low = min(int(x.min()) for x in parts.values())
    high = max(int(x.max()) for x in parts.values())
    if low < 0 or (declared and high >= declared):
        upper = declared - 1 if declared else "the number of tokens less one"
        raise ConfigError(
            f"data={source}: its tokens go from {low} to {high}; they must lie from 0 to {upper}."
        )
    return declared or 1 + high


def check_following(where: str, x: Tensor, y: Tensor, vocabulary: int) -> None:
    """Raise ConfigError unless y (N, T) may be what follows the tokens x (N, T)."""
    if y.shape != x.shape:
        raise ConfigError(
            f"{where}: y is {tuple(y.shape)} and x {tuple(x.shape)}; for task='next_token' each "
            "token has one that follows: y[:, t] = x[:, t + 1], -100 where it does not count."
        )
    counted = y[y != IGNORED]
    if not len(counted):
        raise ConfigError(f"{where}: no token of y counts: all are {IGNORED}.")
    low, high = int(counted.min()), int(counted.max())
    if low < 0 or high >= vocabulary:
        raise ConfigError(
            f"{where}: y has tokens from {low} to {high}; they must lie from 0 to "
            f"{vocabulary - 1}, or be {IGNORED} where they do not count."
        )


def check_missing(where: str, x: Tensor) -> None:
    """Raise ConfigError where numbers (N, ...) are missing, naming the columns of a table."""
    missing = x.isnan()
    count = int(missing.flatten(1).any(dim=1).sum())
    if not count:
        return
    place = ""
    if x.ndim == 2:
        columns = missing.any(dim=0).nonzero().flatten().tolist()
        more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
        named = ", ".join(map(str, columns[:_NAMED]))
        place = f" in column{'s'[: len(columns) - 1]} {named}{more},"
    raise ConfigError(
        f"{where}: x has missing values (NaN){place} in {count} of {len(x)} examples; no network "
        "takes them: fill them in, and say where in a column of its own."
    )
