"""A quadratic of many dimensions: what is known of methods on it, and costs by their formulas."""

import numpy as np
import pytest

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.dimensions import minimize
from ablate.streams import Streams

CONFIG = run_config({"data": {"name": "digits"}, "model": {"name": "mlp"},
                     "optimizer": {"name": "sgd"}})  # fmt: skip
METHODS = ("newton", "bfgs", "lbfgs", "cg", "descent")


def told(method: str, dimensions: int, replicate: int = 0, **arguments: float) -> dict[str, float]:
    outcome = minimize(CONFIG, None, Streams(0, replicate), dimensions, method, **arguments)
    assert outcome.converged is True
    return dict(outcome.metrics)


@pytest.mark.parametrize("dimensions", [2, 30])
def test_newton_needs_one_step_whatever_the_matrix(dimensions: int) -> None:
    for condition in (1.0, 100.0, 1e4):
        found = told("newton", dimensions, condition=condition)
        assert (found["steps"], found["gradients"], found["hessians"]) == (1, 2, 1)


@pytest.mark.parametrize("method", ["bfgs", "cg"])
def test_with_exact_searches_n_steps_are_enough(method: str) -> None:
    """Hestenes & Stiefel 1952; BFGS goes the same ways (Nocedal & Wright 2006, theorem 6.4)."""
    # Of condition 10, so that rounding does not delay the end.
    assert told(method, 6, condition=10.0, tolerance=1e-8)["steps"] <= 6


def test_bfgs_goes_where_conjugate_gradients_go() -> None:
    for replicate in range(3):
        steps = [told(m, 20, replicate, condition=20.0)["steps"] for m in ("bfgs", "cg", "lbfgs")]
        # L-BFGS with the last step alone would already do so; rounding may cost one step.
        assert max(steps) - min(steps) <= 1
        assert steps[0] <= 20


def test_descent_shrinks_by_the_known_share_a_step() -> None:
    """(k - 1) / (k + 1) at the rate 2 / (1 + k): from both ends of the curvatures alike."""
    found = told("descent", 2, condition=50.0)
    expected = np.log(1e-6) / np.log(49 / 51)
    # With two curvatures, both shrink by that share: exactly so many.
    assert found["steps"] == np.ceil(expected)
    assert found["gradients"] == found["steps"] + 1


@pytest.mark.parametrize(
    ("method", "numbers", "each"),
    [
        ("newton", 10_000, 1_000_000 // 6 + 10_000),
        ("bfgs", 10_100, 40_400),
        ("lbfgs", 2_100, 4_400),
        ("cg", 100, 600),
        ("descent", 0, 100),
    ],
)
def test_costs_are_those_of_the_formulas(method: str, numbers: int, each: int) -> None:
    found = told(method, 100)
    assert found["bytes"] == 4 * numbers
    assert found["arithmetic"] == each * found["steps"]


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_arrive_has_no_gradients_to_count(method: str) -> None:
    outcome = minimize(CONFIG, None, Streams(0, 0), 50, method, condition=1e4, steps=2)
    assert outcome.converged is (method == "newton")
    assert ("gradients" in outcome.metrics) is outcome.converged


def test_replicates_differ_and_methods_start_alike() -> None:
    steps = [told("descent", 40, replicate)["steps"] for replicate in range(5)]
    assert len(set(steps)) > 1
    assert told("cg", 40) == told("cg", 40)


@pytest.mark.parametrize(
    ("method", "dimensions", "sentence"),
    [
        ("bfsg", 3, "trainer.method=bfsg is not known; allowed are newton, bfgs, "),
        ("cg", 1, "trainer.dimensions=1 is not allowed; it must be 2 or more."),
    ],
)
def test_what_is_refused(method: str, dimensions: int, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        minimize(CONFIG, None, Streams(0, 0), dimensions, method)
