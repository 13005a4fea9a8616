"""How often verdicts err: a fixed sample of the simulation behind docs/statistics.md."""

import pytest
from bench.calibration import Setting, errors, looks_error

STUDIES = 150
#: 5 % and three standard deviations of a share of 150.
LIMIT = 0.05 + 3 * (0.05 * 0.95 / STUDIES) ** 0.5


@pytest.mark.parametrize(
    "setting",
    [
        Setting(6, 1.0, 0.0, correlated=False),
        Setting(6, 3.0, 0.2, correlated=True),
        Setting(10, 1.0, 0.5, correlated=True),
    ],
    ids=str,
)
def test_a_study_of_false_claims_is_rarely_decided(setting: Setting) -> None:
    found = errors(setting, STUDIES, seed=3)
    assert found["family"] < LIMIT
    assert found["spread"] < LIMIT
    assert found["coverage"] > 0.95 - 3 * (0.05 * 0.95 / STUDIES) ** 0.5


def test_looking_again_costs_little() -> None:
    assert looks_error(Setting(20, 1.0, 0.0, correlated=False, looks=3), 2 * STUDIES, 5) < LIMIT
