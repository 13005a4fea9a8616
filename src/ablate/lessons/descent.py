"""The optimizers of training, followed over a surface of two variables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ablate.config import RunConfig
from ablate.config.optimizer import Lbfgs, OptimizerConfig
from ablate.config.target import Target
from ablate.errors import ConfigError, one_of
from ablate.lessons.surfaces import DIVERGED, SURFACES, Path, Point, Surface, path_of
from ablate.records import Outcome
from ablate.streams import Streams
from ablate.train.optimizers import build_optimizer, clip

#: Steps of a path that a run keeps: the first ones all, then so many more, spaced by logarithms.
_ALL, _MORE = 200, 300


def follow(
    config: RunConfig,
    _data: Any,
    streams: Streams,
    surface: str,
    start: Sequence[float],
    steps: int = 10_000,
    tolerance: float = 1e-4,
    spread: float = 0.0,
) -> Outcome:
    """Follow `config.optimizer` over a surface, as the training procedure of a study.

    surface  a name in `SURFACES`; a run is n/c where f does not fall below `tolerance`
    spread   standard deviation of the starts about `start`; replicate 0 starts there itself

    Metrics: `steps` to the tolerance, `diverged_at`, and `f`, `x`, `y` where the path ends; an
    evaluation (x, y, f) of every step kept. Raises ConfigError for another surface, or for an
    optimizer of the user's own.
    """
    if surface not in SURFACES:
        raise ConfigError(
            f"trainer.surface={surface} is not known; allowed are {one_of(SURFACES)}."
        )
    if isinstance(config.optimizer, Target):
        raise ConfigError("a path over a surface takes an optimizer of this package.")
    moved = spread * streams.numpy("init", "start").standard_normal(2)
    x, y = np.asarray(start, dtype=np.float64) + (moved if streams.replicate else 0.0)
    point = (float(x), float(y))
    path = descend(SURFACES[surface], config.optimizer, point, steps, tolerance)
    last = len(path.steps) - 1
    spaced = np.round(np.geomspace(1, last + 1, _MORE) - 1).astype(int)
    kept = sorted({*range(min(_ALL, last + 1)), *spaced.tolist()})
    evaluations = [
        {"step": float(k), "x": float(x), "y": float(y), "f": float(f)}
        for k, (x, y), f in zip(kept, path.points[kept], path.values[kept], strict=True)
    ]
    end = -1 if path.diverged_at is None else -2
    ends = {"f": path.values[end], "x": path.points[end, 0], "y": path.points[end, 1]}
    ends |= {"steps": path.reached, "diverged_at": path.diverged_at}
    metrics = {name: float(value) for name, value in ends.items() if value is not None}
    return Outcome(metrics, evaluations, converged=path.reached is not None)


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
    is one call, of up to `iterations` line searches.

    Stops where a coordinate leaves +-`DIVERGED`, and at the first f < tolerance.
    """
    parameter = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    parameter.grad = torch.zeros_like(parameter)
    # Views: optimizers change a parameter in place, and numpy reads one number far faster.
    position, slope = parameter.detach().numpy()[0], parameter.grad.numpy()[0]
    torch_optimizer = build_optimizer(optimizer, [("point", parameter)])
    clip_norm = None if isinstance(optimizer, Lbfgs) else optimizer.clip_norm

    def closure() -> float:
        x, y = position.tolist()
        slope[:] = surface.gradient(x, y)
        if clip_norm is not None:
            clip([parameter], clip_norm)
        return float(surface.value(x, y))

    points: list[Point] = []
    while True:
        x, y = position.tolist()
        points.append((x, y))
        outside = not (abs(x) <= DIVERGED and abs(y) <= DIVERGED)  # NaN is outside too
        if outside or surface.value(x, y) < tolerance or len(points) > steps:
            return path_of(surface, points, tolerance)
        if isinstance(torch_optimizer, torch.optim.LBFGS):
            torch_optimizer.step(closure)  # type: ignore[no-untyped-call]
        else:
            closure()
            torch_optimizer.step()
