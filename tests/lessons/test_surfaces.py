"""Surfaces: closed forms against printed values and against differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.lessons.paths import path_of, until_rest
from ablate.lessons.surfaces import SURFACES

BEALE, RAVINE = SURFACES["beale"], SURFACES["ravine"]
TURNED = SURFACES["turned_ravine"]
coordinates = st.floats(-4, 4)


@pytest.mark.parametrize(
    ("point", "value", "gradient"),
    [
        pytest.param((2.0, -2.0), 324.703125, (353.25, -888.0), id="below the minimum"),
        pytest.param((-3.0, 3.0), 6174.703125, (-4285.5, 13020.75), id="across the saddle"),
        pytest.param((3.0, 0.5), 0.0, (0.0, 0.0), id="minimum"),
        pytest.param((0.0, 1.0), 14.203125, (0.0, 0.0), id="saddle"),
    ],
)
def test_beale_has_the_printed_values(point, value, gradient):
    # All of these are sums of dyadic fractions: floats hold them exactly.
    assert BEALE.value(*point) == value
    assert BEALE.gradient(*point) == gradient


@pytest.mark.parametrize(
    ("point", "eigenvalues"),
    [
        pytest.param((3.0, 0.5), (0.301464, 48.979786), id="minimum"),
        pytest.param((0.0, 1.0), (-27.75, 27.75), id="saddle"),
    ],
)
def test_beale_has_the_printed_curvatures(point, eigenvalues):
    # Printed with six decimals.
    assert np.linalg.eigvalsh(BEALE.hessian(*point)) == pytest.approx(eigenvalues, abs=5e-7)


@pytest.mark.parametrize("surface", [RAVINE, TURNED], ids=["ravine", "turned"])
def test_a_ravine_has_condition_number_100(surface):
    # Of entries up to 180, rounded to 3e-14.
    assert np.linalg.eigvalsh(surface.hessian(1.0, 1.0)) == pytest.approx((1.8, 180), abs=1e-12)


@given(u=coordinates, v=coordinates)
def test_the_turned_ravine_is_the_ravine_seen_from_other_axes(u, v):
    x, y = 0.8 * u - 0.6 * v, 0.6 * u + 0.8 * v
    # Values up to 1,460, in which terms of up to 3,000 cancel.
    assert TURNED.value(x, y) == pytest.approx(RAVINE.value(u, v), abs=1e-11)
    assert TURNED.value(*TURNED.starts[0]) == pytest.approx(RAVINE.value(*RAVINE.starts[0]))


@pytest.mark.parametrize("x", [-1e5, 1e5])
def test_beale_has_a_valley_to_infinity_on_each_side(x):
    # Corrections fall as 1/x.
    assert BEALE.value(x, 1 - 0.9910714 / x) == pytest.approx(0.4520089, abs=1e-4)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
@given(x=coordinates, y=coordinates)
def test_derivatives_are_those_of_the_value(surface, x, y):
    step = 1e-5
    by_difference = [
        (surface.value(x + step, y) - surface.value(x - step, y)) / (2 * step),
        (surface.value(x, y + step) - surface.value(x, y - step)) / (2 * step),
    ]
    # f goes up to 1e5 in this box, so that differences carry 1e5 * 1e-16 / 1e-5 of rounding, and
    # third derivatives of 1e4 times step^2 of truncation; on the cliff's face fourth ones of up
    # to 7e5.
    assert surface.gradient(x, y) == pytest.approx(by_difference, rel=1e-6, abs=1e-4)
    columns = [
        np.subtract(surface.gradient(x + step, y), surface.gradient(x - step, y)) / (2 * step),
        np.subtract(surface.gradient(x, y + step), surface.gradient(x, y - step)) / (2 * step),
    ]
    assert surface.hessian(x, y) == pytest.approx(np.array(columns), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_a_surface_is_lowest_at_its_minimum_and_shows_its_starts(surface):
    assert surface.value(*surface.minimum) == 0
    left, right, bottom, top = surface.window
    for x, y in (surface.minimum, *surface.others, *surface.starts):
        assert left < x < right
        assert bottom < y < top
    x, y = np.meshgrid(np.linspace(left, right, 50), np.linspace(bottom, top, 50))
    assert (surface.value(x, y) >= 0).all()
    assert surface.value(x, y)[3, 7] == surface.value(float(x[3, 7]), float(y[3, 7]))


@pytest.mark.parametrize("far", [float("nan"), float("inf"), -1.1e6], ids=str)
def test_a_path_ends_where_it_diverges(far):
    path = path_of(RAVINE, [(1.0, 1.0), (0.0, 0.0), (far, 0.0), (0.0, 0.0)], 1e-4)
    assert path.diverged_at == 2
    assert path.reached == 1
    assert len(path.points) == len(path.values) == 3
    assert path.values[0] == 90.9


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_a_minimum_has_no_slope_and_curves_up(surface):
    for x, y in (surface.minimum, *surface.others):
        # Places printed with all digits: a curvature of 30 times their rounding.
        assert surface.gradient(x, y) == pytest.approx((0, 0), abs=1e-13)
        assert np.linalg.eigvalsh(surface.hessian(x, y)).min() > 0.2


def test_a_plateau_is_flat_where_a_path_over_it_starts():
    plateau = SURFACES["plateau"]
    x, y = plateau.starts[0]
    # q = (0.5 * 36 + 1.5^2) / 2 = 10.125
    assert plateau.value(x, y) == pytest.approx(1 - np.exp(-10.125), rel=1e-12)
    assert plateau.gradient(x, y) == pytest.approx((-3 * np.exp(-10.125), 1.5 * np.exp(-10.125)))


def test_the_face_of_a_cliff_is_steep_and_all_else_is_gentle():
    cliff = SURFACES["cliff"]
    x, y = np.meshgrid(np.linspace(-4, 4, 401), np.linspace(-2.5, 2.5, 101))
    slopes = np.hypot(*cliff.gradient(x, y))
    face = (x > 0.97 + 0.06 * y * y) & (x < 1.47 + 0.06 * y * y)
    assert (slopes[~face] < 1).all()
    # Half-way up: s'(1/2) = 140 / 64, times 50 / 0.5, and the bowl's.
    half = 1.22
    assert cliff.gradient(half, 0.0)[0] == pytest.approx(218.75 + half / np.hypot(0.2, half))
    assert cliff.value(2.0, 0.0) - 50 == pytest.approx(np.hypot(0.2, 2.0) - 0.2)


def test_a_saddle_lies_between_two_minima():
    saddle = SURFACES["saddle"]
    assert saddle.gradient(0.0, 0.0) == (0, 0)
    assert saddle.value(0.0, 0.0) == 0.25
    assert np.diag(saddle.hessian(0.0, 0.0)).tolist() == [5, -1]
    assert all(saddle.value(*place) == 0 for place in (saddle.minimum, *saddle.others))


def test_the_narrow_minimum_is_almost_as_low_and_far_more_curved():
    surface = SURFACES["wide_and_narrow"]
    (narrow,) = surface.others
    assert surface.value(*narrow) == pytest.approx(0.0303, abs=5e-5)
    curved, wide = (np.linalg.eigvalsh(surface.hessian(*at)) for at in (narrow, surface.minimum))
    assert wide == pytest.approx([0.5, 0.5])
    assert curved.min() > 45 * wide.max()


def test_several_minima_and_the_value_that_a_lecture_prints():
    surface = SURFACES["several_minima"]
    # Rounding of numbers up to 34.
    assert surface.value(3.0, 3.0) == pytest.approx(34.2, abs=1e-13)
    heights = sorted(float(surface.value(*place)) for place in surface.others)
    assert len(heights) == 8
    # The same along x and along y: each of the corners is twice as high as the middle of a side.
    assert heights == pytest.approx([4.593262284] * 4 + [9.186524568] * 4, rel=1e-9)


def test_a_path_comes_to_rest_after_its_first_short_step():
    points = [(8.0, 0.0), (4.0, 0.0), (2.0, 0.0), (1.0, 0.0), (0.5, 0.0), (-0.2, 0.0)]
    path = path_of(RAVINE, points, 1.0, gradients=[0, 2, 4, 6, 8, 10])
    assert path.reached == 3
    rests = until_rest(path, 1.5)
    assert (rests.rested, rests.reached, rests.gradients.tolist()) == (3, 3, [0, 2, 4, 6])
    assert rests.points.tolist() == [list(point) for point in points[:4]]
    assert len(rests.values) == len(rests.hessians) == len(rests.steps) == 4
    before = until_rest(path, 3.0)
    assert (before.rested, before.reached) == (2, None)
    assert until_rest(path, 0.7) is not path
    for unending in (0.0, 0.5):
        assert until_rest(path, unending) is path
