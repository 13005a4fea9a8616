"""Newton's method, and scipy's quasi-Newton and conjugate gradient methods, over a surface."""

import math
from typing import Any, Literal

import numpy as np
from scipy import optimize

from ablate.lessons.paths import Floats, Path, Point, Surface, is_outside, path_of

#: A gradient below this is none: Newton's method is as glad of a saddle as of a minimum.
_STATIONARY = 1e-10


def newton(
    surface: Surface, start: Point, steps: int, tolerance: float = 1e-4, damping: float = 0.0
) -> Path:
    """Follow theta <- theta - (H + damping I)^-1 gradient; a step takes a gradient and a Hessian.

    Stops at f < tolerance, where the gradient vanishes, where the matrix is singular or a
    coordinate leaves +-`DIVERGED`, or after `steps`.
    """
    points = [start]
    for _ in range(steps):
        x, y = points[-1]
        if is_outside(x, y) or surface.value(x, y) < tolerance:
            break
        by_x, by_y = surface.gradient(x, y)
        (a, b), (_, d) = surface.hessian(x, y).tolist()
        a, d = a + damping, d + damping
        determinant = a * d - b * b
        if determinant == 0 or math.hypot(by_x, by_y) < _STATIONARY:
            break
        points.append(
            (x - (d * by_x - b * by_y) / determinant, y - (a * by_y - b * by_x) / determinant)
        )
    each = range(len(points))
    return path_of(surface, points, tolerance, each, each)


def line_search(
    surface: Surface,
    start: Point,
    method: Literal["BFGS", "CG"],
    steps: int,
    tolerance: float = 1e-4,
) -> Path:
    """Follow `scipy.optimize.minimize`, a point per iteration.

    A line search tries more points than an iteration keeps; each costs a gradient, and they are
    counted. Stops at f < tolerance, where a coordinate leaves +-`DIVERGED`, where scipy makes no
    progress, or after `steps`.
    """
    points, evaluations, counts = [start], 0, [0]

    def evaluate(point: Floats) -> tuple[float, Floats]:
        nonlocal evaluations
        evaluations += 1
        x, y = point.tolist()
        return surface.value(x, y), np.array(surface.gradient(x, y))

    def keep(intermediate_result: Any) -> None:
        x, y = intermediate_result.x.tolist()
        points.append((x, y))
        counts.append(evaluations)
        if is_outside(x, y) or surface.value(x, y) < tolerance:
            raise StopIteration

    if surface.value(*start) >= tolerance:
        optimize.minimize(
            evaluate, np.array(start), jac=True, method=method, callback=keep,
            options={"maxiter": steps},
        )  # fmt: skip
    return path_of(surface, points, tolerance, counts)
