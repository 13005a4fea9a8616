"""The optimizers of training, followed over a surface of two variables."""

from __future__ import annotations

import torch

from ablate.config.optimizer import Lbfgs, OptimizerConfig
from ablate.lessons.surfaces import DIVERGED, Path, Point, Surface, path_of
from ablate.train.optimizers import build_optimizer, clip

__all__ = ["Path", "descend"]


def descend(
    surface: Surface,
    optimizer: OptimizerConfig,
    start: Point,
    steps: int,
    tolerance: float = 1e-4,
    stop_at_tolerance: bool = True,
) -> Path:
    """Follow an optimizer of `build_optimizer` from `start` for at most `steps` steps.

    The parameter is float64 (1, 2), one replicate, and its gradient the surface's closed form.
    `clip_norm` acts; weight decay does not, because it never acts on vectors. A step of L-BFGS
    is one call, of up to `iterations` line searches.

    Stops where a coordinate leaves +-`DIVERGED`, and, with `stop_at_tolerance`, at the first
    f < tolerance.
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
        arrived = stop_at_tolerance and surface.value(x, y) < tolerance
        if outside or arrived or len(points) > steps:
            return path_of(surface, points, tolerance)
        if isinstance(optimizer, Lbfgs):
            torch_optimizer.step(closure)
        else:
            closure()
            torch_optimizer.step()
