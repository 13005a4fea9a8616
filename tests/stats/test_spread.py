"""Standard deviations between replicates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.stats import deviation


@given(st.floats(0.01, 1), st.integers(2, 100))
def test_replicates_that_are_all_alike_do_not_differ_at_all(value: float, count: int) -> None:
    # By rounding their mean may be another number than each of them.
    assert deviation(np.full((1, count), value)) == 0
    lost = np.where(np.arange(count) < 1, np.nan, value)[None]
    assert count == 2 or deviation(lost) == 0


def test_variances_are_averaged_over_settings_and_lost_runs_left_out() -> None:
    values = np.array([[1.0, 2.0, 4.0, np.nan], [3.0, 3.0, 3.0, 3.0], [np.nan] * 3 + [1.0]])
    # The last setting has a single run, which tells nothing.
    assert deviation(values) == pytest.approx(np.sqrt(np.var([1, 2, 4], ddof=1) / 2))
