"""Optimizers followed over a surface of two variables: those of training, and second-order ones."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import torch

from ablate.config import RunConfig
from ablate.config.optimizer import Lbfgs, OptimizerConfig
from ablate.config.target import Target
from ablate.errors import ConfigError, one_of
from ablate.lessons.paths import Path, Point, Surface, is_outside, path_of, until_rest
from ablate.lessons.second_order import line_search, newton
from ablate.lessons.surfaces import SURFACES
from ablate.records import Outcome
from ablate.streams import Streams
from ablate.train.optimizers import build_optimizer, clip

#: Steps of a path that a run keeps: the first ones all, then so many more, spaced by logarithms.
_ALL, _MORE = 200, 300
#: Steps of which the longest is a metric: the running averages of Adam are young in them.
_FIRST = 10
#: What f counts where a path diverges: worse than any at which one stays.
_LOST = 1e300

#: `optimizer` follows the optimizer of the config, the others have no learning rate.
Method = Literal["optimizer", "newton", "bfgs", "cg"]
_METHODS: tuple[Method, ...] = get_args(Method)


def follow(
    config: RunConfig,
    _data: Any,
    streams: Streams,
    surface: str,
    start: Sequence[float],
    steps: int = 10_000,
    tolerance: float = 1e-4,
    spread: float | Sequence[float] = 0.0,
    method: Method = "optimizer",
    damping: float = 0.0,
    noise: float = 0.0,
    shortest_step: float = 0.0,
) -> Outcome:
    """Follow an optimizer over a surface, as the training procedure of a study.

    surface        a name in `SURFACES`; a run is n/c where f does not fall below `tolerance`
    spread         standard deviation of the starts about `start`, or one along x and one along y;
                   replicate 0 starts there itself
    method         `optimizer`: that of `config`; `newton`, with `damping` on the diagonal of the
                   Hessian; or `bfgs` or `cg`, with the line searches of scipy
    noise          standard deviation of what is added to each part of each gradient
    shortest_step  above 0, a path ends after the first step shorter than that as well, wherever it
                   is, and such a run is not n/c: the rule of a lecture, which knows no f to reach

    Metrics: `steps`, `gradients` and `hessians` to the tolerance or to rest, the last two being
    evaluations; `effort`, which is `gradients` or, where the tolerance is not reached, `steps` (1 +
    log10(f / tolerance)), so that of rates that all fail the one which comes lowest has least, with
    f = 1e300 for a path that diverges; `longest_step` of the first ten; `diverged_at`; `f`, `x`,
    `y` where the path ends, and `distance`, how far that is from its start. An evaluation (x, y, f,
    gradients, hessians) of every step kept. Raises ConfigError for another surface or method, for a
    `noise` or `shortest_step` below 0, or for an optimizer of the user's own.
    """
    for name, value, known in (("surface", surface, SURFACES), ("method", method, _METHODS)):
        if value not in known:
            raise ConfigError(f"trainer.{name}={value} is not known; allowed are {one_of(known)}.")
    for name, number in (("noise", noise), ("shortest_step", shortest_step)):
        if not number >= 0:
            raise ConfigError(f"trainer.{name}={number} is not allowed; it must be 0 or more.")
    if isinstance(config.optimizer, Target):
        raise ConfigError("a path over a surface takes an optimizer of this package.")
    moved = np.asarray(spread) * streams.numpy("init", "start").standard_normal(2)
    x, y = np.asarray(start, dtype=np.float64) + (moved if streams.replicate else 0.0)
    place, point = SURFACES[surface], (float(x), float(y))
    if noise:
        place = _noisy(place, noise, streams.numpy("optimizer", "noise"))
    match method:
        case "newton":
            path = newton(place, point, steps, tolerance, damping)
        case "bfgs":
            path = line_search(place, point, "BFGS", steps, tolerance)
        case "cg":
            path = line_search(place, point, "CG", steps, tolerance)
        case "optimizer":
            path = descend(place, config.optimizer, point, steps, tolerance)
    path = until_rest(path, shortest_step)
    ended = path.reached is not None or path.rested is not None
    return Outcome(_metrics(path, steps, tolerance), _evaluations(path), converged=ended)


def _noisy(surface: Surface, noise: float, generator: np.random.Generator) -> Surface:
    """Return the surface with a gradient that is another at each evaluation."""

    def gradient(x: float, y: float) -> Point:
        (by_x, by_y), (over_x, over_y) = surface.gradient(x, y), generator.standard_normal(2)
        return by_x + noise * over_x, by_y + noise * over_y

    return replace(surface, gradient=gradient)


def _metrics(path: Path, steps: int, tolerance: float) -> dict[str, float]:
    end = -1 if path.diverged_at is None else -2
    f = float(path.values[end])
    found = {"f": f, "x": float(path.points[end, 0]), "y": float(path.points[end, 1])}
    found["distance"] = math.dist(path.points[end], path.points[0])
    moves = np.linalg.norm(np.diff(path.points[: _FIRST + 1], axis=0), axis=1)
    if len(moves):
        found["longest_step"] = float(moves.max())
    if path.diverged_at is not None:
        found["diverged_at"] = float(path.diverged_at)
    if path.reached is None:
        decades = math.log10(max((f if path.diverged_at is None else _LOST) / tolerance, 1.0))
        found["effort"] = steps * (1 + decades)
    last = path.rested if path.reached is None else path.reached
    if last is None:
        return found
    gradients = float(path.gradients[last])
    counts = {"steps": float(last), "gradients": gradients, "hessians": float(path.hessians[last])}
    return {"effort": gradients} | found | counts


def _evaluations(path: Path) -> list[dict[str, float]]:
    last = len(path.steps) - 1
    spaced = np.round(np.geomspace(1, last + 1, _MORE) - 1).astype(int)
    kept = sorted({*range(min(_ALL, last + 1)), *spaced.tolist()})
    columns = {
        "step": path.steps, "x": path.points[:, 0], "y": path.points[:, 1], "f": path.values,
        "gradients": path.gradients, "hessians": path.hessians,
    }  # fmt: skip
    return [{name: float(column[k]) for name, column in columns.items()} for k in kept]


def descend(
    surface: Surface,
    optimizer: OptimizerConfig,
    start: Point,
    steps: int,
    tolerance: float = 1e-4,
) -> Path:
    """Follow an optimizer of `build_optimizer` from `start` for at most `steps` steps.

    The parameter is float64 (1, 2), one replicate, and its gradient the surface's closed form.
    `clip_norm` acts; weight decay does not, because it never acts on vectors. A step of L-BFGS
    is one call, of up to `iterations` line searches; every point that they try costs a gradient,
    one that is known already none.

    Stops where a coordinate leaves +-`DIVERGED`, and at the first f < tolerance.
    """
    parameter = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    parameter.grad = torch.zeros_like(parameter)
    # Views: optimizers change a parameter in place, and numpy reads one number far faster.
    position, slope = parameter.detach().numpy()[0], parameter.grad.numpy()[0]
    torch_optimizer = build_optimizer(optimizer, [("point", parameter)])
    clip_norm = None if isinstance(optimizer, Lbfgs) else optimizer.clip_norm
    # Each call of L-BFGS begins with the gradient at which the one before ended.
    searched = cache(surface.gradient)
    gradient = searched if isinstance(optimizer, Lbfgs) else surface.gradient

    def closure() -> float:
        x, y = position.tolist()
        slope[:] = gradient(x, y)
        if clip_norm is not None:
            clip([parameter], clip_norm)
        return float(surface.value(x, y))

    points: list[Point] = []
    counts: list[int] = []
    while True:
        x, y = position.tolist()
        points.append((x, y))
        if isinstance(torch_optimizer, torch.optim.LBFGS):
            counts.append(searched.cache_info().misses)
        if is_outside(x, y) or surface.value(x, y) < tolerance or len(points) > steps:
            return path_of(surface, points, tolerance, counts or None)
        if isinstance(torch_optimizer, torch.optim.LBFGS):
            torch_optimizer.step(closure)  # type: ignore[no-untyped-call]
        else:
            closure()
            torch_optimizer.step()
