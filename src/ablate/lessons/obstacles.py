"""Surfaces with what may stop a descent: plateau, cliff, saddle, and minima beside the lowest."""

from typing import Any

import numpy as np

from ablate.lessons.paths import Floats, Surface

#: Curvatures of the plateau's hollow along x and y.
_ALONG, _ACROSS = 0.5, 1.0


def _plateau() -> Surface:
    """Return f = 1 - exp(-q), q = (a x^2 + b y^2) / 2: a hollow in what is flat everywhere else."""

    def value(x: Any, y: Any) -> Any:
        return -np.expm1(-(_ALONG * x * x + _ACROSS * y * y) / 2)

    def gradient(x: Any, y: Any) -> tuple[Any, Any]:
        left = np.exp(-(_ALONG * x * x + _ACROSS * y * y) / 2)
        return _ALONG * x * left, _ACROSS * y * left

    def hessian(x: float, y: float) -> Floats:
        left = 1 - value(x, y)
        slope = np.array([_ALONG * x, _ACROSS * y])
        return np.asarray(left * (np.diag([_ALONG, _ACROSS]) - np.outer(slope, slope)))

    return Surface(
        value, gradient, hessian, minimum=(0.0, 0.0), starts=((-6.0, 1.5),),
        window=(-7.0, 3.0, -3.0, 3.0),
    )  # fmt: skip


#: How high the cliff is, how wide, and where its foot is: at x = _FOOT + _BEND y^2. A step of 0.4,
#: the longest that the bowl's bottom bears, cannot miss its face.
_HEIGHT, _WIDTH, _FOOT, _BEND = 50.0, 0.5, 0.97, 0.06
#: The radius at which the bowl becomes a cone; its curvature at the bottom is 1 over this.
_RADIUS = 0.2


def _cliff() -> Surface:
    """Return a bowl whose slope is never above 1, with a step up on the way to its minimum.

    f = sqrt(r^2 + x^2 + y^2) - r + h s(t), t = (x - c - b y^2) / w, with s(t) = t^4 (35 - 84 t +
    70 t^2 - 20 t^3) from 0 to 1: what a step on the cliff throws far off walks back at a slope
    of 1.
    """

    def height(x: Any, y: Any) -> Any:
        return np.clip((x - _FOOT - _BEND * y * y) / _WIDTH, 0.0, 1.0)

    def value(x: Any, y: Any) -> Any:
        t, square = height(x, y), x * x + y * y
        # As a quotient: near the minimum a root less the radius would cancel.
        bowl = square / (_RADIUS + np.sqrt(_RADIUS * _RADIUS + square))
        return bowl + _HEIGHT * t**4 * (35 - t * (84 - t * (70 - 20 * t)))

    def gradient(x: Any, y: Any) -> tuple[Any, Any]:
        t, root = height(x, y), np.sqrt(_RADIUS * _RADIUS + x * x + y * y)
        steep = _HEIGHT / _WIDTH * 140 * (t * (1 - t)) ** 3
        return x / root + steep, y / root - 2 * _BEND * y * steep

    def hessian(x: float, y: float) -> Floats:
        t, root = height(x, y), np.sqrt(_RADIUS * _RADIUS + x * x + y * y)
        bowl = (np.eye(2) - np.outer([x, y], [x, y]) / root**2) / root
        edge = np.array([1, -2 * _BEND * y])
        bent = _HEIGHT / _WIDTH**2 * 420 * (t * (1 - t)) ** 2 * (1 - 2 * t) * np.outer(edge, edge)
        steep = _HEIGHT / _WIDTH * 140 * (t * (1 - t)) ** 3
        return np.asarray(bowl + bent + steep * np.array([[0, 0], [0, -2 * _BEND]]))

    return Surface(
        value, gradient, hessian, minimum=(0.0, 0.0), starts=((3.0, 1.5),),
        window=(-4.0, 4.0, -2.5, 2.5),
    )  # fmt: skip


#: Curvature of the saddle's stable axis; that of the other is -1 at the saddle, 2 at the minima.
_STABLE = 5.0


def _saddle() -> Surface:
    """Return f = a x^2 / 2 + (y^2 - 1)^2 / 4: a saddle at the origin, as low a minimum each side.

    Where y = 0 the gradient has no part along y: descent without noise ends in the saddle.
    """

    def value(x: Any, y: Any) -> Any:
        height = y * y - 1
        return _STABLE * x * x / 2 + height * height / 4

    return Surface(
        value,
        gradient=lambda x, y: (_STABLE * x, y * (y * y - 1)),
        hessian=lambda x, y: np.diag([_STABLE, 3 * y * y - 1]),
        minimum=(0.0, 1.0),
        others=((0.0, -1.0),),
        starts=((2.0, 0.0), (2.0, 0.001)),
        window=(-1.0, 2.5, -1.6, 1.6),
    )


#: Curvature of the wide hollow; how deep the narrow one is, how curved per depth, and where.
_WIDE, _DEEP, _NARROW, _AT = 0.5, 1.5, 16.0, -2.5
#: The bottom of the narrow one, which the slope of the wide one moves a little.
_BOTTOM = -2.4478821418937837


def _wide_and_narrow() -> Surface:
    """Return a wide bowl, a (x^2 + y^2) / 2, on whose slope lies a narrow hollow.

    f = a (x^2 + y^2) / 2 - d exp(-k ((x - c)^2 + y^2) / 2). The narrow one ends almost as low, at
    f = 0.0303, and is 48 times as curved.
    """

    def hollow(x: Any, y: Any) -> Any:
        return -_NARROW * ((x - _AT) * (x - _AT) + y * y) / 2

    def value(x: Any, y: Any) -> Any:
        # The hollow less its depth, and the depth: exactly 0 at the origin.
        return _WIDE * (x * x + y * y) / 2 - _DEEP * np.expm1(hollow(x, y)) - _DEEP

    def gradient(x: Any, y: Any) -> tuple[Any, Any]:
        pull = _DEEP * _NARROW * np.exp(hollow(x, y))
        return _WIDE * x + pull * (x - _AT), _WIDE * y + pull * y

    def hessian(x: float, y: float) -> Floats:
        offset = np.array([x - _AT, y])
        pull = _DEEP * _NARROW * np.exp(hollow(x, y))
        hollowed = pull * (np.eye(2) - _NARROW * np.outer(offset, offset))
        return np.asarray(_WIDE * np.eye(2) + hollowed)

    return Surface(
        value, gradient, hessian, minimum=(0.0, 0.0), others=((_BOTTOM, 0.0),),
        starts=((-4.5, 0.6),), window=(-5.0, 2.0, -2.0, 2.0),
    )  # fmt: skip


#: Curvature of the bowl and height of its ripples: f(3, 3) = 9 * 2.5 + 4 * 2.925 = 34.2, which
#: is what a lecture's picture of a surface with several minima says of its own.
_BOWL, _RIPPLE = 2.5, 2.925
#: Where its slope and a ripple's cancel, beside 0.
_BESIDE = 1.8337421243976608


def _several_minima() -> Surface:
    """Return a rippled bowl with nine minima (Rastrigin 1974, with other constants).

    f = g(x) + g(y), g(u) = a u^2 / 2 + b (1 - cos(pi u)): lowest at the origin, and with minima
    wherever x and y are 0 or +-1.83.
    """

    def along(u: Any) -> Any:
        return _BOWL * u * u / 2 + _RIPPLE * (1 - np.cos(np.pi * u))

    def slope(u: Any) -> Any:
        return _BOWL * u + _RIPPLE * np.pi * np.sin(np.pi * u)

    def curvature(u: float) -> Any:
        return _BOWL + _RIPPLE * np.pi**2 * np.cos(np.pi * u)

    places = (-_BESIDE, 0.0, _BESIDE)
    return Surface(
        value=lambda x, y: along(x) + along(y),
        gradient=lambda x, y: (slope(x), slope(y)),
        hessian=lambda x, y: np.diag([curvature(x), curvature(y)]),
        minimum=(0.0, 0.0),
        others=tuple((x, y) for x in places for y in places if (x, y) != (0, 0)),
        starts=((3.0, 3.0), (0.8, 0.6)),
        window=(-4.0, 4.0, -4.0, 4.0),
    )


OBSTACLES: dict[str, Surface] = {
    "plateau": _plateau(),
    "cliff": _cliff(),
    "saddle": _saddle(),
    "wide_and_narrow": _wide_and_narrow(),
    "several_minima": _several_minima(),
}
