"""Surfaces of two variables on which optimizers can be watched.

Functions of a surface take x and y apart, as floats or as arrays of one shape: a descent calls
them with floats, thousands of times, a contour plot with grids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]

#: A coordinate beyond this means that a descent has diverged.
DIVERGED = 1e6


@dataclass(frozen=True)
class Surface:
    """A function of two variables with its derivatives in closed form.

    value     (x, y) -> f, of the shape of x
    gradient  (x, y) -> (df/dx, df/dy)
    minimum   where f is lowest; f is 0 there
    starts    points to descend from
    window    x from, x to, y from, y to: what a plot shows
    """

    value: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
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


#: Curvatures of the ravine along x and along y: condition number 100.
_FLAT, _STEEP = 1.0, 100.0

SURFACES: dict[str, Surface] = {
    # Beale 1958. A saddle at (0, 1); beyond it two valleys run to infinity along
    # x (1 - y) = 0.99107, where f falls to 0.4520089 only.
    "beale": Surface(
        value=_beale,
        gradient=_beale_gradient,
        minimum=(3.0, 0.5),
        starts=((2.0, -2.0), (-3.0, 3.0)),
        window=(-4.5, 4.5, -4.0, 4.0),
    ),
    # f is 50 along each axis at the start, so that neither direction is done before the other.
    "ravine": Surface(
        value=lambda x, y: (_FLAT * x * x + _STEEP * y * y) / 2,
        gradient=lambda x, y: (_FLAT * x, _STEEP * y),
        minimum=(0.0, 0.0),
        starts=((-10.0, 1.0),),
        window=(-12.0, 4.0, -2.2, 2.2),
    ),
}
