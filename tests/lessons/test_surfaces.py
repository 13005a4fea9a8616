"""Surfaces: closed forms against printed values and against differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.lessons.surfaces import SURFACES, path_of

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
    # third derivatives of 1e4 times step^2 of truncation.
    assert surface.gradient(x, y) == pytest.approx(by_difference, rel=1e-6, abs=1e-4)
    columns = [
        np.subtract(surface.gradient(x + step, y), surface.gradient(x - step, y)) / (2 * step),
        np.subtract(surface.gradient(x, y + step), surface.gradient(x, y - step)) / (2 * step),
    ]
    assert surface.hessian(x, y) == pytest.approx(np.array(columns), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_a_surface_is_lowest_at_its_minimum_and_shows_its_starts(surface):
    assert surface.value(*surface.minimum) == 0
    left, right, bottom, top = surface.window
    for x, y in (surface.minimum, *surface.starts):
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
