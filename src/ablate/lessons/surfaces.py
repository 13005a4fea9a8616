"""Surfaces of two variables on which optimizers can be watched, and second-order references.

Functions of a surface take x and y apart, as floats or as arrays of one shape: a descent calls
them with floats, thousands of times, a contour plot with grids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]

#: A coordinate beyond this means that a descent has diverged.
DIVERGED = 1e6


@dataclass(frozen=True)
class Surface:
    """A function of two variables with its derivatives in closed form.

    value     (x, y) -> f, of the shape of x
    gradient  (x, y) -> (df/dx, df/dy)
    hessian   (x, y) -> (2, 2), of floats only
    minimum   where f is lowest; f is 0 there
    starts    points to descend from
    window    x from, x to, y from, y to: what a plot shows
    """

    name: str
    value: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    hessian: Callable[[float, float], Floats]
    minimum: Point
    starts: tuple[Point, ...]
    window: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Path:
    """Where a descent went.

    steps        (k+1,) int64, from 0: all of them, or those that were kept
    points       (k+1, 2) float64, the start first
    values       (k+1,), f at each of them
    reached      the first step with f below the tolerance, or None
    diverged_at  the first step with a coordinate that is not finite or beyond `DIVERGED`, or None
    """

    steps: npt.NDArray[np.int64]
    points: Floats
    values: Floats
    reached: int | None
    diverged_at: int | None


def path_of(surface: Surface, points: Sequence[Point], tolerance: float) -> Path:
    """Return the path through `points`, which ends where it diverges."""
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    inside = (np.abs(array) <= DIVERGED).all(axis=1)  # False for NaN too
    diverged_at = None if inside.all() else int(np.argmin(inside))
    if diverged_at is not None:
        array = array[: diverged_at + 1]
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(surface.value(array[:, 0], array[:, 1]))
    below = np.flatnonzero(values < tolerance)
    reached = int(below[0]) if len(below) else None
    return Path(np.arange(len(array)), array, values, reached, diverged_at)


def newton_path(
    surface: Surface,
    start: Point,
    steps: int = 100,
    damping: float = 0.0,
    tolerance: float = 1e-4,
    gradient_tolerance: float = 1e-10,
) -> Path:
    """Follow Newton's method, theta <- theta - (H + damping I)^-1 gradient.

    Stops at f < tolerance, at a gradient norm below `gradient_tolerance` (Newton's method is as
    glad of a saddle), or after `steps`. Raises numpy.linalg.LinAlgError where the matrix is
    singular.
    """
    point = np.array(start, dtype=np.float64)
    points = [start]
    for _ in range(steps):
        x, y = point.tolist()
        gradient = np.array(surface.gradient(x, y))
        if surface.value(x, y) < tolerance or np.linalg.norm(gradient) < gradient_tolerance:
            break
        point = point - np.linalg.solve(surface.hessian(x, y) + damping * np.eye(2), gradient)
        points.append((float(point[0]), float(point[1])))
    return path_of(surface, points, tolerance)


def scipy_path(
    surface: Surface,
    start: Point,
    method: Literal["BFGS", "L-BFGS-B", "CG"],
    tolerance: float = 1e-4,
    options: dict[str, Any] | None = None,
) -> Path:
    """Follow `scipy.optimize.minimize` to its own end, one point an iteration.

    A line search tries more points than an iteration keeps; those are not in the path.
    """
    points = [start]
    optimize.minimize(
        lambda point: surface.value(point[0], point[1]),
        np.array(start, dtype=np.float64),
        jac=lambda point: np.array(surface.gradient(point[0], point[1])),
        method=method,
        callback=lambda point: points.append((float(point[0]), float(point[1]))),
        options=options,
    )
    return path_of(surface, points, tolerance)


def _beale(x: Any, y: Any) -> Any:
    first, second, third = _residuals(x, y)
    return first * first + second * second + third * third


def _residuals(x: Any, y: Any) -> tuple[Any, Any, Any]:
    # Products and no powers: a float's power raises where it overflows, a product is infinite.
    return 1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y


def _beale_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    first, second, third = _residuals(x, y)
    square = y * y
    by_x = first * (y - 1) + second * (square - 1) + third * (square * y - 1)
    by_y = x * (first + 2 * second * y + 3 * third * square)
    return 2 * by_x, 2 * by_y


def _beale_hessian(x: float, y: float) -> Floats:
    residuals = _residuals(x, y)
    hessian = np.zeros((2, 2))
    for power, residual in enumerate(residuals, start=1):
        slope = np.array([y**power - 1, power * x * y ** (power - 1)])
        mixed = power * y ** (power - 1)
        by_y_twice = power * (power - 1) * x * y ** max(power - 2, 0)
        hessian += np.outer(slope, slope) + residual * np.array([[0, mixed], [mixed, by_y_twice]])
    return 2 * hessian


#: Curvatures of the ravine along x and along y: condition number 100.
_FLAT, _STEEP = 1.0, 100.0

SURFACES: dict[str, Surface] = {
    # Beale 1958. A saddle at (0, 1); beyond it two valleys run to infinity along
    # x (1 - y) = 0.99107, where f falls to 0.4520089 only.
    "beale": Surface(
        name="beale",
        value=_beale,
        gradient=_beale_gradient,
        hessian=_beale_hessian,
        minimum=(3.0, 0.5),
        starts=((2.0, -2.0), (-3.0, 3.0)),
        window=(-4.5, 4.5, -4.0, 4.0),
    ),
    # f is 50 along each axis at the start, so that neither direction is done before the other.
    "ravine": Surface(
        name="ravine",
        value=lambda x, y: (_FLAT * x * x + _STEEP * y * y) / 2,
        gradient=lambda x, y: (_FLAT * x, _STEEP * y),
        hessian=lambda x, y: np.diag([_FLAT, _STEEP]),
        minimum=(0.0, 0.0),
        starts=((-10.0, 1.0),),
        window=(-12.0, 4.0, -2.2, 2.2),
    ),
}
