"""Holm's steps: against statsmodels."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from ablate.stats import ALPHA, deviation_level, holm, holm_levels

fractions = st.floats(0, 1, allow_nan=False, width=32)


@pytest.fixture(autouse=True, scope="module")
def _little_garbage() -> Iterator[None]:
    """Each call of multipletests collects all garbage: it shall find that of its own only."""
    gc.freeze()
    yield
    gc.unfreeze()


@settings(deadline=None, max_examples=15)
@given(st.lists(fractions, min_size=1, max_size=15))
def test_holm_agrees_with_statsmodels(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_holm_of_nothing_is_nothing():
    assert holm([]) == []


@settings(max_examples=25)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=8), alpha=st.sampled_from([0.05, 0.2]))
def test_levels_decide_what_holm_rejects(p, alpha) -> None:
    levels = holm_levels(p, alpha)
    rejected = multipletests(p, alpha, method="holm")[0]
    assume(all(abs(x - lv) > 1e-12 for x, lv in zip(p, levels, strict=True)))
    assert [x <= level for x, level in zip(p, levels, strict=True)] == list(rejected)


def test_all_later_declarations_together_err_in_seven_percent_at_most() -> None:
    levels = [deviation_level(k) for k in range(1, 100_000)]
    assert levels[0] == ALPHA
    assert levels == sorted(levels, reverse=True)
    # The union bound: 5 % (1 + 6/pi^2 (pi^2/6 - 1)), all but the tail of 1/k^2 beyond 100,000.
    assert sum(levels) == pytest.approx(ALPHA * (2 - 6 / np.pi**2), abs=1e-6)
    assert sum(levels) < 0.07
