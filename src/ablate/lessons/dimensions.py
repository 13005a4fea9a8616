"""What methods of first and of second order cost over the number of weights, on a quadratic."""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np

from ablate.config import RunConfig
from ablate.errors import ConfigError, one_of
from ablate.lessons.paths import Floats
from ablate.records import Outcome
from ablate.streams import Streams

#: `descent` at the best rate that there is, 2 / (least + largest curvature).
Method = Literal["newton", "bfgs", "lbfgs", "cg", "descent"]
_METHODS: tuple[Method, ...] = get_args(Method)
#: Pairs of steps and changes of the gradient that L-BFGS keeps.
_PAIRS = 10
_BYTES = 4  # of a number, as networks train


def minimize(
    _config: RunConfig,
    _data: Any,
    streams: Streams,
    dimensions: int,
    method: Method,
    condition: float = 100.0,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Outcome:
    """Minimize a quadratic of so many dimensions, as the training procedure of a study.

    f = sum_i c_i x_i^2 / 2, its curvatures c from 1 to `condition`, evenly spaced in log c, turned
    by a reflection so that no method finds its axes; the start has length 1 in a random direction.
    Ends where |gradient| < tolerance |gradient at the start|; else a run is n/c.

    Metrics: `steps`, and `gradients` and `hessians` evaluated, that which shows the end among
    them; and counted, not measured: `bytes`, 4 for each number that a method keeps beside the
    weights and their gradient, and `arithmetic`, the multiply-adds of all its steps without those
    of gradients. These are n^2 numbers and n^3 / 6 + n^2 a step for Newton, whose matrix is solved
    by Cholesky's (Golub & Van Loan 2013, section 4.2); n^2 + n and 4 n^2 + 4 n for BFGS, which
    corrects an inverse; (2 m + 1) n and 4 m n + 4 n for L-BFGS with m = 10 pairs; n and 6 n for
    conjugate gradients; 0 and n for descent. The three between have exact line searches. Raises
    ConfigError for another method, or below two dimensions.
    """
    if method not in _METHODS:
        raise ConfigError(f"trainer.method={method} is not known; allowed are {one_of(_METHODS)}.")
    if dimensions < 2:
        raise ConfigError(f"trainer.dimensions={dimensions} is not allowed; it must be 2 or more.")
    n = dimensions
    draws = streams.numpy("init", "start")
    start, mirror = (one / np.linalg.norm(one) for one in draws.standard_normal((2, n)))
    curvatures = np.geomspace(1.0, condition, n)
    count = [0]

    def turned(x: Floats) -> Floats:
        return np.asarray(x - 2 * (mirror @ x) * mirror)

    def gradient(x: Floats) -> Floats:
        count[0] += 1
        return turned(curvatures * turned(x))

    def hessian_inverse(x: Floats) -> Floats:
        # What a solver finds, at the cost that is counted.
        return turned(turned(x) / curvatures)

    aim = tolerance * float(np.linalg.norm(gradient(start)))
    count[0] = 0
    match method:
        case "newton":
            taken = _newton(start, gradient, hessian_inverse, aim)
        case "bfgs":
            taken = _searched(start, gradient, _Bfgs(n), aim, steps)
        case "lbfgs":
            taken = _searched(start, gradient, _LimitedBfgs(), aim, steps)
        case "cg":
            taken = _searched(start, gradient, _Conjugate(), aim, steps)
        case "descent":
            taken = _descent(start, gradient, 2 / (1 + condition), aim, steps)
    numbers, each = _costs(method, n)
    metrics = {"bytes": float(_BYTES * numbers), "hessians": float(method == "newton")}
    if taken is not None:
        metrics |= {
            "steps": float(taken),
            "gradients": float(count[0]),
            "arithmetic": float(taken * each),
        }
    return Outcome(metrics, converged=taken is not None)


def _costs(method: Method, n: int) -> tuple[int, int]:
    """Return the numbers that a method keeps, and the multiply-adds of a step."""
    search = 4 * n  # two products of vectors, and the place and the gradient that follow
    match method:
        case "newton":
            return n * n, n**3 // 6 + n * n
        case "bfgs":
            return n * n + n, 4 * n * n + search
        case "lbfgs":
            return (2 * _PAIRS + 1) * n, 4 * _PAIRS * n + search
        case "cg":
            return n, 2 * n + search
        case "descent":
            return 0, n


Turn = Callable[[Floats], Floats]


def _newton(start: Floats, gradient: Turn, hessian_inverse: Turn, aim: float) -> int | None:
    x = start - hessian_inverse(gradient(start))
    return 1 if np.linalg.norm(gradient(x)) < aim else None


def _descent(start: Floats, gradient: Turn, rate: float, aim: float, steps: int) -> int | None:
    x = start
    for step in range(steps + 1):
        slope = gradient(x)
        if np.linalg.norm(slope) < aim:
            return step
        x = x - rate * slope
    return None


def _searched(
    start: Floats, gradient: Turn, directions: "_Directions", aim: float, steps: int
) -> int | None:
    """Search along directions, exactly: on a quadratic a gradient a step says how far to go.

    Along a line the gradient changes evenly, so that the one tried, at the direction's end,
    gives that of every point of it.
    """
    x, slope = start, gradient(start)
    for step in range(steps + 1):
        if np.linalg.norm(slope) < aim:
            return step
        along = directions.next(slope)
        change = gradient(x + along) - slope
        share = -float(slope @ along) / float(along @ change)
        x, slope = x + share * along, slope + share * change
        directions.learn(share * along, share * change)
    return None


class _Conjugate:
    """Directions of Fletcher & Reeves 1964."""

    def __init__(self) -> None:
        self._last: tuple[Floats, float] | None = None

    def next(self, slope: Floats) -> Floats:
        square = float(slope @ slope)
        along = -slope if self._last is None else square / self._last[1] * self._last[0] - slope
        self._last = along, square
        return np.asarray(along)

    def learn(self, moved: Floats, change: Floats) -> None:
        pass


class _Bfgs:
    """Directions by an inverse Hessian that each step corrects (Nocedal & Wright 2006, 6.17)."""

    def __init__(self, n: int) -> None:
        self._inverse = np.eye(n)

    def next(self, slope: Floats) -> Floats:
        return np.asarray(-(self._inverse @ slope))

    def learn(self, moved: Floats, change: Floats) -> None:
        product, seen = float(moved @ change), self._inverse @ change
        share = (1 + float(change @ seen) / product) / (2 * product)
        half = np.outer(moved, share * moved - seen / product)
        self._inverse += half
        self._inverse += half.T


class _LimitedBfgs:
    """The same from the last few steps alone (Nocedal & Wright 2006, algorithm 7.4)."""

    def __init__(self) -> None:
        self._pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=_PAIRS)

    def next(self, slope: Floats) -> Floats:
        along, shares = -slope, list[float]()
        for moved, change, product in reversed(self._pairs):
            shares.append(float(moved @ along) / product)
            along = along - shares[-1] * change
        if self._pairs:
            _, change, product = self._pairs[-1]
            along = along * (product / float(change @ change))
        for moved, change, product in self._pairs:
            along = along + (shares.pop() - float(change @ along) / product) * moved
        return along

    def learn(self, moved: Floats, change: Floats) -> None:
        self._pairs.append((moved, change, float(moved @ change)))


_Directions = _Conjugate | _Bfgs | _LimitedBfgs
