"""A surface of two variables, and the path of a descent over it.

Functions of a surface take x and y apart, as floats or as arrays of one shape: a descent calls
them with floats, thousands of times, a contour plot with grids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
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
    others    minima beside it, as low or higher
    window    x from, x to, y from, y to: what a plot shows
    """

    value: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    hessian: Callable[[float, float], Floats]
    minimum: Point
    starts: tuple[Point, ...]
    window: tuple[float, float, float, float]
    others: tuple[Point, ...] = ()


@dataclass(frozen=True, eq=False)
class Path:
    """Where a descent went.

    steps        (k+1,) int64, from 0: all of them, or those that were kept
    points       (k+1, 2) float64, the start first
    values       (k+1,), f at each of them
    gradients    (k+1,) int64, evaluations of the gradient that it took to come there
    hessians     (k+1,) int64, evaluations of the Hessian, likewise
    reached      the first step with f below the tolerance, or None
    diverged_at  the first step with a coordinate that is not finite or beyond `DIVERGED`, or None
    rested       the first step that was shorter than asked for, or None
    """

    steps: Integers
    points: Floats
    values: Floats
    gradients: Integers
    hessians: Integers
    reached: int | None
    diverged_at: int | None
    rested: int | None = None


def is_outside(x: float, y: float) -> bool:
    """Tell whether a descent has diverged at a point."""
    return not (abs(x) <= DIVERGED and abs(y) <= DIVERGED)  # NaN is outside too


def path_of(
    surface: Surface,
    points: Sequence[Point],
    tolerance: float,
    gradients: Sequence[int] | None = None,
    hessians: Sequence[int] | None = None,
) -> Path:
    """Return the path through `points`, which ends where it diverges.

    gradients, hessians  evaluations up to each point; by default one gradient a step, no Hessian
    """
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    inside = (np.abs(array) <= DIVERGED).all(axis=1)  # False for NaN too
    diverged_at = None if inside.all() else int(np.argmin(inside))
    if diverged_at is not None:
        array = array[: diverged_at + 1]
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(surface.value(array[:, 0], array[:, 1]))
    below = np.flatnonzero(values < tolerance)
    reached = int(below[0]) if len(below) else None
    steps = np.arange(len(array))
    counts = (
        steps if gradients is None else np.asarray(gradients, dtype=np.int64)[: len(array)],
        0 * steps if hessians is None else np.asarray(hessians, dtype=np.int64)[: len(array)],
    )
    return Path(steps, array, values, *counts, reached, diverged_at)


def until_rest(path: Path, shortest: float) -> Path:
    """Return a path up to the first of its steps that is shorter than `shortest`.

    What a descent that ends there would have done. A step of a line search that finds nothing
    lower is as long as 0.
    """
    lengths = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    short = np.flatnonzero(lengths < shortest)
    if not len(short):
        return path
    last = int(short[0]) + 1
    kept = slice(last + 1)
    return replace(
        path,
        steps=path.steps[kept],
        points=path.points[kept],
        values=path.values[kept],
        gradients=path.gradients[kept],
        hessians=path.hessians[kept],
        reached=path.reached if path.reached is not None and path.reached <= last else None,
        diverged_at=None,
        rested=last,
    )
