"""As much of a path over a surface as a figure draws, and what its legend says of its end."""

from dataclasses import dataclass

import numpy as np

from ablate.lessons.paths import Floats, Integers, Path, Surface


@dataclass(frozen=True, eq=False)
class Trace:
    """As much of a path as is drawn.

    steps    (K,), from 0
    points   (K, 2); of a path that diverges the last lies on the window's edge
    costs    (K, 2), evaluations of the gradient, and f
    marks    indexes of the points at steps 1, 10, 100 and so on, or the next that was kept
    is_whole whether the path stayed finite
    """

    steps: Integers
    points: Floats
    costs: Floats
    marks: tuple[int, ...]
    is_whole: bool

    def until(self, step: int | None) -> int:
        """Return the index of the last point at or before a step; None: of the last."""
        end = len(self.steps) if step is None else np.searchsorted(self.steps, step, side="right")
        return int(end) - 1


def outcome(path: Path) -> str:
    """Return how a path ended: `8,926 gradients`, `rests at f = 4.59`, `diverged at 3`."""
    if path.reached is not None:
        gradients = int(path.gradients[np.searchsorted(path.steps, path.reached)])
        return f"{gradients:,} gradient{'' if gradients == 1 else 's'}"
    if path.rested is not None:
        return f"rests at f = {path.values[-1]:.3g}"
    return "not reached" if path.diverged_at is None else f"diverged at {path.diverged_at:,}"


def trace(path: Path, surface: Surface) -> Trace:
    """Return what is drawn of a path over a surface."""
    is_whole = path.diverged_at is None
    points = path.points if is_whole else _until_outside(path.points, surface)
    steps = path.steps[: len(points)]
    powers = [10**k for k in range(len(str(steps[-1])) + 1)]
    # Where a path keeps some of its steps only, the mark stands at the first one kept.
    marks = [int(np.searchsorted(steps, power)) for power in powers]
    marks = [mark for mark in marks if mark < len(steps) - 1]
    costs = np.stack([path.gradients, path.values], axis=1)[: len(steps)]
    return Trace(steps, points, costs, tuple(marks), is_whole)


def _until_outside(points: Floats, surface: Surface) -> Floats:
    """Return the points up to where the path first crosses the window's edge.

    What diverges comes back in ever longer leaps, which would cover the others.
    """
    left, right, bottom, top = surface.window
    lower, upper = np.array([left, bottom]), np.array([right, top])
    outside = ~((points >= lower) & (points <= upper)).all(axis=1)
    first = int(np.argmax(outside))
    if not outside.any() or first == 0:
        return points[: first + 1]
    before, leap = points[first - 1], points[first] - points[first - 1]
    if not np.isfinite(leap).all():
        return points[:first]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(leap > 0, (upper - before) / leap, (lower - before) / leap)
    share = np.min(shares[leap != 0])
    return np.vstack([points[:first], before + share * leap])
