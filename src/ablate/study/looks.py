"""Replicates until decided: at which numbers of replicates the claims of a study are judged."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import Field, model_validator

from ablate.config.base import Frozen, Many, Positive
from ablate.config.validate import validated
from ablate.errors import ConfigError

#: A look has about so many times the replicates of the one before it.
_GROWTH = 1.35
_MOST = 20  # looks, each of which spends some of the level
_EXAMPLE = "{from: 6, to: 30} or {looks: [6, 10, 15, 20]}"


class LooksFile(Frozen):
    """Claims are judged at each look, and only what an open claim needs is trained for the next."""

    first: Positive | None = Field(
        default=None,
        alias="from",
        description="replicates at the first look, 6 or more; each look has a third more, up to "
        "`to`: 6, 8, 11, 15, 20, 27, 36 and so on",
    )
    to: Positive | None = None
    """the most replicates, at the last look"""
    looks: Many[Positive] = ()
    """in place of both: the numbers of replicates at which claims are judged"""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "LooksFile":
        if bool(self.looks) == (self.first is not None or self.to is not None):
            raise ConfigError(f"replicates is a number, {_EXAMPLE}.")
        if not self.looks and (self.first is None or self.to is None):
            raise ConfigError(f"replicates: from and to go together, as in {_EXAMPLE}.")
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the replicates at each look."""
        if self.looks:
            return self.looks
        assert self.first is not None
        assert self.to is not None
        return looks_between(self.first, self.to)


def looks_between(first: int, last: int) -> tuple[int, ...]:
    """Return looks of a fixed geometric grid: 6, 8, 11, 15, 20, 27, 36, ... and the last."""
    found: list[int] = []
    number = float(first)
    while round(number) < last:
        found.append(round(number))
        number *= _GROWTH
    # Of few replicates a third more is less than one more.
    return (*dict.fromkeys(found), last)


def read_replicates(value: Any) -> tuple[int, ...]:
    """Return the looks that `replicates` declares, or one: the fixed number that it is.

    Raises ConfigError for what is no number, and for looks that do not grow or begin too early.
    """
    if not isinstance(value, Mapping):
        return (validated(_Fixed, {"replicates": value}).replicates,)
    written = validated(LooksFile, value, prefix="replicates.")
    if written.first is not None and written.to is not None and written.first > written.to:
        raise ConfigError(
            f"replicates.from={written.first} is not allowed: it must be at most to={written.to}."
        )
    numbers = written.numbers
    from ablate.stats import LEAST_REPLICATES  # scipy, which a fixed number does without

    if numbers[0] < LEAST_REPLICATES:
        key = "from" if written.first is not None else "looks"
        raise ConfigError(
            f"replicates.{key}={written.first or list(numbers)} is not allowed: the first look "
            f"takes {LEAST_REPLICATES} replicates or more, as fewer decide nothing."
        )
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ConfigError(
            f"replicates.looks={list(numbers)} is not allowed: each look must have more "
            "replicates than the one before it."
        )
    if len(numbers) > _MOST:
        raise ConfigError(
            f"replicates: {len(numbers)} looks are too many; allowed are {_MOST} at most: say "
            "fewer in looks."
        )
    return numbers


def check_decides(looks: Sequence[int], claims: Sequence[object]) -> None:
    """Raise ConfigError for looks in a study that claims nothing."""
    if looks and not claims:
        raise ConfigError(
            "replicates: without claims there is nothing to decide; give a number of replicates."
        )


class _Fixed(Frozen):
    replicates: Positive
