"""When a claim needs no more replicates: decided, without hope, or of no size that matters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.stats.evidence import Expect
from ablate.stats.intervals import ALPHA, Array
from ablate.stats.looks import Looks, levels, sequential_p

#: With a smaller chance of a verdict at the last look a claim is given up. It may go on all the
#: same, and errs no more for it: no level is taken from it for being given up.
HOPELESS = 0.1


def conditional_power(
    effect: npt.ArrayLike,
    sd: npt.ArrayLike,
    n: int,
    most: int,
    level: npt.ArrayLike,
    expect: Expect = "greater",
    margin: float = 0.0,
) -> Array:
    """Return the chance that `most` pairs decide a claim that n pairs leave open.

    If the true effect is one standard error away from the estimate, towards the verdict that is
    asked for: the likelier of both. Normal increments, the deviation taken as known.

    effect, sd  of the differences so far
    level       two-sided, of the last look
    """
    effect, sd = np.asarray(effect, dtype=np.float64), np.asarray(sd, dtype=np.float64)
    error, left = sd / np.sqrt(n), most - n
    spread = sd * np.sqrt(left)
    level = np.asarray(level)
    needed = special.stdtrit(most - 1, 1 - level / 2) * sd * np.sqrt(most)

    def beyond(distance: Array) -> Array:
        expected = n * distance + left * (distance + error)
        return np.asarray(special.ndtr((expected - needed) / spread))

    if expect != "equal":
        bound = margin if expect == "greater" else -margin
        return np.maximum(beyond(effect - bound), beyond(bound - effect))
    size = np.abs(effect)
    expected = n * size + left * np.maximum(size - error, 0.0)
    room = most * margin - special.stdtrit(most - 1, 1 - level) * sd * np.sqrt(most)
    inside = special.ndtr((room - expected) / spread) - special.ndtr((-room - expected) / spread)
    return np.maximum(np.where(room > 0, inside, 0.0), beyond(size - margin))


def chance_of_small(
    effect: npt.ArrayLike,
    sd: npt.ArrayLike,
    n: int,
    most: int,
    level: npt.ArrayLike,
    smallest: float,
) -> Array:
    """Return the chance that with `most` pairs an effect is told from the smallest one.

    Its two-sided interval then lies inside ± smallest, or beyond; as in `conditional_power`.
    """
    # Two one-sided tests are each at half the level of the interval.
    return conditional_power(effect, sd, n, most, np.asarray(level) / 2, "equal", smallest)


@dataclass(frozen=True, eq=False)
class Stops:
    """Simulated studies of several claims, judged at looks (draws, claims).

    replicates  with which each claim ended
    shown       whether it was supported: a true effect above zero
    against     whether it was refuted
    small       whether it ended as less than the smallest effect
    """

    replicates: npt.NDArray[np.intp]
    shown: npt.NDArray[np.bool_]
    against: npt.NDArray[np.bool_]
    small: npt.NDArray[np.bool_]


def simulate_stops(
    looks: Looks,
    effects: Sequence[float],
    smallest: float | None = None,
    futility: bool = True,
    draws: int = 2_000,
    seed: int = 0,
) -> Stops:
    """Return what becomes of claims that something is greater, each on pairs of its own.

    effects   true ones, in standard deviations of pair differences, normal and independent
    smallest  likewise the smallest effect; None: no claim ends for being smaller

    Holm over sequential p values at 5 %, as `ablate.report.verdicts` judges.
    """
    generator = np.random.default_rng(seed)
    count, last = len(effects), len(looks) - 1
    shape = (draws, count)
    total, squares = np.zeros(shape), np.zeros(shape)
    q_for, q_against = np.ones(shape), np.ones(shape)
    stopped = np.full(shape, looks[-1])
    open_, small = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    shared = levels(looks, ALPHA / count)
    # By the place in Holm's order: the level, and that of its last look.
    steps = ALPHA / np.arange(count, 0, -1)
    at_last = np.array([levels(looks, step)[-1] for step in steps])
    for k, (n, more) in enumerate(zip(looks, np.diff(looks, prepend=0), strict=True)):
        new = np.asarray(effects) + generator.standard_normal((more, *shape))
        total, squares = total + new.sum(axis=0), squares + (new**2).sum(axis=0)
        mean = total / n
        error = np.sqrt((squares - n * mean**2) / (n - 1) / n)
        above = special.stdtr(n - 1, -mean / error)
        for q, tail in ((q_for, above), (q_against, 1 - above)):
            p = np.ones((k + 1, *shape))
            p[k] = np.minimum(1.0, 2 * tail)
            found = sequential_p(p, looks)[k]
            q[open_] = np.minimum(q, found)[open_]
        place = _holm_places(np.minimum(q_for, q_against), steps)
        decided = np.minimum(q_for, q_against) <= steps[place]
        ends = open_ & decided
        if smallest is not None:
            half = special.stdtrit(n - 1, 1 - shared[k] / 2) * error
            inside = open_ & ~decided & (np.abs(mean) + half < smallest)
            small |= inside
            ends |= inside
        if futility and k < last:
            sd = error * np.sqrt(n)
            hope = conditional_power(mean, sd, n, looks[-1], at_last[place])
            if smallest is not None:
                hope = np.maximum(
                    hope, chance_of_small(mean, sd, n, looks[-1], shared[-1], smallest)
                )
            ends |= open_ & (hope < HOPELESS)
        stopped[ends] = n
        open_ &= ~ends
    place = _holm_places(np.minimum(q_for, q_against), steps)
    level = steps[place]
    against = (q_against <= level) & (q_against < q_for)
    shown = (q_for <= level) & ~against
    return Stops(stopped, shown, against, small & ~shown & ~against)


def _holm_places(p: Array, steps: Array) -> npt.NDArray[np.intp]:
    """Return by study and claim which of Holm's steps it is judged at; see `holm_levels`."""
    order = np.argsort(p, axis=1)
    undecided = np.take_along_axis(p, order, axis=1) > steps
    first = np.where(undecided.any(axis=1), undecided.argmax(axis=1), p.shape[1] - 1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(p.shape[1])[None], axis=1)
    found: npt.NDArray[np.intp] = np.minimum(places, first[:, None])
    return found
