"""Looks at growing data: at which level each is judged, so that all together err no more than one.

Looks are at n_1 < ... < n_K = N replicates, declared beforehand; t_k = n_k / N. Of the level `a`
of a claim, a t_k^2 is spent by look k (quadratic spending). The nominal two-sided level c_k(a) of
look k is that at which

    P0(p_1 > c_1, ..., p_{k-1} > c_{k-1}, p_k <= c_k) = a (t_k^2 - t_{k-1}^2),

p_k being the p of a paired t test of the first n_k differences. Under normal differences the law
of (p_1, ..., p_K) has no parameter, so it is simulated once. A test of another law is judged at
the right-hand side itself: by the union bound that is valid for any p values, dependent or not.

The sequential p value of a claim is the smallest level at which one of its looks has decided it.
Holm's steps over sequential p values keep the error of the family (Liu and Anderson 2008; Maurer
and Bretz 2013).
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.stats.intervals import Array

Looks = tuple[int, ...]

#: The levels of a claim for which those of its looks are tabulated.
_ALPHAS = np.geomspace(1e-4, 1.0, 41)
#: From here down the union bound is taken; between here and the table it is approached.
_UNION = 1e-6
_DRAWS = 500_000
#: Draws behind the tables that are shipped, and their seed.
_SHIPPED_DRAWS, _SHIPPED_SEED = 8_000_000, 20
#: The looks whose tables are shipped: `ablate.study.looks.looks_between` 6 and common numbers.
SHIPPED: tuple[Looks, ...] = (
    (6, 8, 10), (6, 8, 11, 12), (6, 8, 11, 15), (6, 8, 11, 15, 20), (6, 8, 11, 15, 20, 24),
    (6, 8, 11, 15, 20, 27, 30), (6, 8, 11, 15, 20, 27, 36, 40), (6, 10, 15, 20),
)  # fmt: skip
_TABLES = "looks.json"


def levels(looks: Looks, alpha: float, lawful: int | None = None) -> Array:
    """Return the two-sided nominal level of each look (K,), for a claim at level `alpha`.

    lawful  how many looks, from the first on, are a paired t test of all pairs; None: all. The
            others are judged by the union bound
    """
    spent = _increments(looks)
    lawful = len(looks) if lawful is None else lawful
    if alpha < _UNION or len(looks) == 1 or lawful <= 1:
        return alpha * spent  # of the first look it is exact
    rows = np.log(_curves(looks))
    found = np.exp([np.interp(np.log(alpha), _LOG_ALPHAS, row) for row in rows])
    found[0] = alpha * spent[0]
    return np.where(np.arange(len(looks)) < lawful, found, alpha * spent)


def sequential_p(p: npt.ArrayLike, looks: Looks, lawful: int | None = None) -> Array:
    """Return the sequential p value after each look that there is.

    p       (k, ...) two-sided p by look, k at most K; may hold many claims at once
    lawful  as in `levels`

    Returns (k, ...): the smallest level at which that look or one before it decides the claim. Of
    one declared look it is p itself.
    """
    p = np.asarray(p, dtype=np.float64)
    lawful = len(looks) if lawful is None else lawful
    spent = _increments(looks)
    alone = np.empty_like(p)
    for k, values in enumerate(p):
        by_union = np.minimum(1.0, values / spent[k])
        alone[k] = by_union
        if 0 < k < lawful:
            row = np.log(_curves(looks)[k])
            shown = np.log(np.maximum(values, np.finfo(np.float64).tiny))
            by_law = np.exp(np.interp(shown, row, _LOG_ALPHAS, right=0.0))
            alone[k] = np.where(shown < row[0], by_union, by_law)
    return np.asarray(np.minimum.accumulate(alone, axis=0))


def simulate_levels(looks: Looks, draws: int = _DRAWS, seed: int = 0) -> Array:
    """Return the nominal level of each look (K, 41) for the tabulated levels of a claim.

    The sum and the sum of squares of normal differences grow by a normal and a chi-square number
    a look. That p_k <= c has the probability c is known, so only how often an earlier look had
    decided by then is counted: c_k(a) solves c - P(p_k <= c, decided before) = what look k spends.
    """
    ranked = list(_ranked_p(looks, draws, seed))
    spent = _increments(looks)
    found = np.empty((len(looks), len(_ALPHAS)))
    for column, alpha in enumerate(_ALPHAS):
        decided = np.zeros(draws, dtype=bool)
        by_then = np.cumsum(spent) * alpha
        for k, (order, p) in enumerate(ranked):
            # What a look spends, plus all that was spent before, is the most that c can be.
            few = min(draws, int(np.searchsorted(p, by_then[k], side="right")) + 1)
            before = np.cumsum(decided[order[:few]]) / draws
            level = alpha * spent[k] + np.concatenate([[0.0], before])
            fits = level <= np.append(p[:few], np.inf)
            found[k, column] = min(level[int(fits.argmax())], by_then[k])
            decided[order[: int(np.searchsorted(p, found[k, column], side="right"))]] = True
    return np.asarray(np.maximum.accumulate(found, axis=1))


def tables() -> str:
    """Return the text of the tables that are shipped (`python -m bench.looks --tables`)."""
    made = {
        " ".join(map(str, looks)): [
            [float(f"{level:.4g}") for level in row]
            for row in simulate_levels(looks, _SHIPPED_DRAWS, _SHIPPED_SEED)
        ]
        for looks in SHIPPED
    }
    lines = [f'"{looks}": {json.dumps(rows)}' for looks, rows in made.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _increments(looks: Looks) -> Array:
    """Return what each look spends, as a share of the level of the claim (K,)."""
    shares = (np.array(looks) / looks[-1]) ** 2
    return np.diff(shares, prepend=0.0)


def _ranked_p(looks: Looks, draws: int, seed: int) -> Iterator[tuple[npt.NDArray[np.intp], Array]]:
    """Yield by look the draws in order of their p, smallest first, and these p."""
    generator = np.random.default_rng(seed)
    total, squares = np.zeros(draws), np.zeros(draws)
    for n, more in zip(looks, np.diff(looks, prepend=0), strict=True):
        added = generator.normal(scale=np.sqrt(more), size=draws)
        total += added
        squares += added**2 / more
        if more > 1:
            squares += generator.chisquare(more - 1, size=draws)
        share = np.abs(total) / np.sqrt(n * squares)  # of which t is an increasing function
        order = np.argsort(-share)
        ranked = share[order]
        t = ranked * np.sqrt((n - 1) / (1 - ranked**2))
        yield order, 2 * special.stdtr(n - 1, -t)


_LOG_ALPHAS = np.log(np.concatenate([[_UNION], _ALPHAS]))


@cache
def _curves(looks: Looks) -> Array:
    """Return the level of each look (K, 42) at `_UNION`, by the union bound, and at `_ALPHAS`."""
    shipped = _shipped().get(" ".join(map(str, looks)))
    found = simulate_levels(looks) if shipped is None else np.array(shipped)
    spent = _increments(looks)[:, None]
    # Monte-Carlo noise never takes a level below what is valid without any law.
    return np.concatenate([_UNION * spent, np.maximum(found, _ALPHAS * spent)], axis=1)


@cache
def _shipped() -> dict[str, list[list[float]]]:
    text = resources.files("ablate.stats").joinpath(_TABLES).read_text(encoding="utf-8")
    tables: dict[str, list[list[float]]] = json.loads(text)
    return tables
