"""The surfaces of two variables on which optimizers can be watched, by name."""

from typing import Any

import numpy as np

from ablate.lessons.obstacles import OBSTACLES
from ablate.lessons.paths import Floats, Point, Surface


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


def _quadratic(
    curvatures: Floats,
    start: Point,
    cosine: float,
    sine: float,
    window: tuple[float, float, float, float],
) -> Surface:
    """Return f = (a u^2 + b v^2) / 2, a and b the curvatures, with u and v turned against x and y.

    start, window  the start in u and v, the window in x and y
    """
    axes = np.array([[cosine, -sine], [sine, cosine]])  # columns: where u and v point
    (a, b), (_, d) = (axes * curvatures @ axes.T).tolist()
    u, v = start
    return Surface(
        value=lambda x, y: (a * x * x + 2 * b * x * y + d * y * y) / 2,
        gradient=lambda x, y: (a * x + b * y, b * x + d * y),
        hessian=lambda x, y: np.array([[a, b], [b, d]]),
        minimum=(0.0, 0.0),
        starts=((cosine * u - sine * v, sine * u + cosine * v),),
        window=window,
    )


#: Curvatures along and across the ravine: condition number 100. At a rate of 0.01, a little below
#: the 2/180 beyond which it diverges, plain descent jumps from side to side, 0.8 times as far each
#: time.
_RAVINE = np.array([1.8, 180.0])
#: f is 44 along each axis at the start, so that neither direction is done before the other. Nor
#: is it a first step of RMSProp away, whose length is ten times the rate whatever the gradient.
_START = (-7.0, 0.7)

SURFACES: dict[str, Surface] = {
    # Beale 1958. A saddle at (0, 1); beyond it two valleys run to infinity along
    # x (1 - y) = 0.99107, where f falls to 0.4520089 only.
    "beale": Surface(
        value=_beale,
        gradient=_beale_gradient,
        hessian=_beale_hessian,
        minimum=(3.0, 0.5),
        starts=((2.0, -2.0), (-3.0, 3.0)),
        window=(-4.5, 4.5, -4.0, 4.0),
    ),
    "ravine": _quadratic(_RAVINE, _START, cosine=1.0, sine=0.0, window=(-9.0, 4.0, -1.6, 1.6)),
    # The same turned by 37 degrees: what scales x and y by themselves no longer straightens it.
    "turned_ravine": _quadratic(
        _RAVINE, _START, cosine=0.8, sine=0.6, window=(-8.5, 4.0, -6.0, 3.5)
    ),
    **OBSTACLES,
}
