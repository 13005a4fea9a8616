"""Newton's method and line searches: closed forms, printed numbers, and what they evaluate."""

from dataclasses import replace

import numpy as np
import pytest

from ablate.lessons.paths import Surface
from ablate.lessons.second_order import line_search, newton
from ablate.lessons.surfaces import SURFACES

BEALE = SURFACES["beale"]
BELOW, ACROSS = BEALE.starts
RAVINES = [SURFACES["ravine"], SURFACES["turned_ravine"]]


def counted(surface: Surface) -> tuple[Surface, list[str]]:
    """Return the surface and a list to which each evaluation of a derivative is appended."""
    calls: list[str] = []

    def gradient(x, y):
        calls.append("gradient")
        return surface.gradient(x, y)

    def hessian(x, y):
        calls.append("hessian")
        return surface.hessian(x, y)

    return replace(surface, gradient=gradient, hessian=hessian), calls


@pytest.mark.parametrize("surface", RAVINES, ids=["ravine", "turned"])
def test_newton_needs_one_step_on_a_quadratic(surface):
    path = newton(surface, surface.starts[0], steps=10)
    assert path.reached == 1
    assert (path.gradients.tolist(), path.hessians.tolist()) == ([0, 1], [0, 1])
    # Rounding of a start of 10 by 1e-15, times the condition number.
    assert path.points[1] == pytest.approx((0, 0), abs=1e-13)


def test_damping_shrinks_each_axis_of_a_quadratic_by_its_own_factor():
    damping, surface = 10.0, RAVINES[0]
    path = newton(surface, (-10.0, 1.0), steps=40, damping=damping)
    step = np.arange(len(path.points))
    factors = [damping / (curvature + damping) for curvature in (1.8, 180.0)]
    exact = np.stack([-10 * factors[0] ** step, factors[1] ** step], axis=1)
    # 40 roundings of 1e-16, of numbers up to 10.
    assert path.points == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize(("start", "steps"), [(BELOW, 34), (ACROSS, 16)], ids=["below", "across"])
def test_newton_without_damping_finds_the_saddle(start, steps):
    path = newton(BEALE, start, steps=100)
    assert len(path.points) - 1 == steps
    # It converges quadratically: the last step leaves rounding only.
    assert path.points[-1] == pytest.approx((0, 1), abs=1e-12)
    assert path.values[-1] == pytest.approx(14.203125, abs=1e-12)
    assert path.reached is None


def test_newton_with_damping_finds_the_minimum():
    path = newton(BEALE, BELOW, steps=1000, damping=10)
    assert path.reached == len(path.points) - 1
    assert path.values[-1] < 1e-4


def test_newton_stops_where_the_matrix_is_singular_or_the_path_diverges():
    flat = replace(BEALE, hessian=lambda x, y: np.zeros((2, 2)))
    assert len(newton(flat, BELOW, steps=10).points) == 1
    # Turned round, a step is away from the minimum: twice as far each time.
    uphill = replace(RAVINES[0], hessian=lambda x, y: -RAVINES[0].hessian(x, y))
    path = newton(uphill, (-10.0, 1.0), steps=100)
    assert path.diverged_at == len(path.points) - 1 == 17  # 10 2^17 > 1e6 > 10 2^16
    assert path.reached is None


@pytest.mark.parametrize(("method", "iterations"), [("BFGS", 14), ("CG", 11)], ids=["BFGS", "CG"])
def test_line_searches_need_a_few_iterations(method, iterations):
    path = line_search(BEALE, BELOW, method, steps=100)
    # Line searches round differently from one scipy to the next: one iteration of leeway.
    assert path.reached == len(path.points) - 1
    assert path.reached == pytest.approx(iterations, abs=1)
    assert path.values[-1] < 1e-4 <= path.values[-2]


def test_bfgs_from_across_goes_down_the_valley_until_it_leaves_it():
    path = line_search(BEALE, ACROSS, "BFGS", steps=10_000)
    assert path.diverged_at == len(path.points) - 1
    assert path.points[-1, 0] < -1e6
    assert path.values[-1] == pytest.approx(0.4520089, abs=1e-4)


@pytest.mark.parametrize("method", ["BFGS", "CG"])
def test_no_more_iterations_than_steps_are_taken_and_none_from_the_minimum(method):
    assert len(line_search(BEALE, BELOW, method, steps=3).points) == 4
    path = line_search(BEALE, BEALE.minimum, method, steps=3)
    assert (path.reached, path.gradients.tolist()) == (0, [0])


@pytest.mark.parametrize("method", ["newton", "BFGS", "CG"])
def test_what_is_counted_is_what_was_evaluated(method):
    surface, calls = counted(BEALE)
    if method == "newton":
        path = newton(surface, BELOW, steps=500, damping=10)
    else:
        path = line_search(surface, BELOW, method, steps=500)
    assert path.reached is not None
    assert path.gradients[-1] == calls.count("gradient")
    assert path.hessians[-1] == calls.count("hessian") == (method == "newton") * path.reached
    assert (np.diff(path.gradients) >= 1).all()
