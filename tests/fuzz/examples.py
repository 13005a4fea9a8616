"""How many examples: few and always the same in `make test`, many and random in `make test-all`."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

#: Few examples, and so many times as many.
MANY = 15
few_and_many = pytest.mark.parametrize(
    "times",
    [
        pytest.param(1, id="few"),
        pytest.param(MANY, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)


def tries(few: int, times: int) -> Callable[[Any], Any]:
    """Return the settings of a property: `few` examples, `times` as many at random."""
    return settings(
        max_examples=few * times,
        derandomize=times == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
