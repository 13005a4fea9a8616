"""Simulated runs: what studies are like in which verdicts are counted, and draws of their arms.

Means, margins and noise are in standard deviations of a run of arm A, higher is better.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from ablate.stats import Arm, Array

Law = Literal["normal", "t3", "skewed", "stuck"]
#: Of runs that get stuck: how many, and how far below the others.
STUCK, DEPTH = 0.1, 8.0
#: What a run that is n/c counts where it is scored as guessing.
GUESS = -20.0
#: Latent correlation of the losses of one replicate where they come together.
TOGETHER = 0.9
#: Test examples, share of them that a mean of 0 gets right, and what a unit of means adds to it.
EXAMPLES, ACCURACY, POINT = 360, 0.9, 0.01
#: Standard deviations of the latent score of an example in a run: of the example, of the example
#: in a cell, of the replicate; that of one run alone is 1.
_EXAMPLE, _IN_CELL, _REPLICATE = 3.0, 1.0, 0.2


@dataclass(frozen=True)
class Scenario:
    """What a simulated study is like.

    name    in words
    law     of the noise: mean 0; standard deviation 1, but for stuck runs
    shared  correlation between all runs of one replicate
    noise   of B's runs and how deep they get stuck; A's is 1
    lost    probability that a run of A, and of B, is n/c
    which   whether any runs are n/c, the worst, or those of a replicate together
    test    accuracies, whose test examples are drawn anew for each replicate, or once
    """

    name: str
    law: Law = "normal"
    shared: float = 0.5
    noise: float = 1.0
    lost: tuple[float, float] = (0.0, 0.0)
    which: Literal["any", "worst", "together"] = "any"
    test: Literal["none", "new", "one"] = "none"


def draw(
    rng: np.random.Generator,
    scenario: Scenario,
    n: int,
    means: tuple[Sequence[float], Sequence[float]],
    *,
    noise: float | None = None,
    same: bool = True,
) -> tuple[Arm, Arm]:
    """Return two arms of n paired replicates, (levels, n) each.

    means  of each arm by level
    noise  of B, where it is not the scenario's
    same   whether two arms get the same test examples right but for their seeds
    """
    truth = np.array(means, dtype=float)
    if scenario.test != "none":
        sets = n if scenario.test == "new" else 1
        values = right(rng, sets, n, truth, same).mean(axis=-1) / POINT
        return complete(values[0]), complete(values[1])
    noises = _noises(rng, scenario, (*truth.shape, n))
    scales = np.array([1.0, scenario.noise if noise is None else noise])[:, None, None]
    lost = _lost(rng, scenario, noises)
    values = np.where(lost, np.nan, truth[:, :, None] + scales * noises)
    return Arm(values[0], lost[0]), Arm(values[1], lost[1])


def complete(values: Array) -> Arm:
    """Return an arm of which every run converged."""
    return Arm(values, np.zeros(values.shape, dtype=bool))


def _noises(rng: np.random.Generator, scenario: Scenario, shape: tuple[int, ...]) -> Array:
    """Return noise whose last axis is the replicate; before it all runs share some."""
    own = _law(rng, scenario.law, shape)
    if not scenario.shared:
        return own
    common = _law(rng, scenario.law, shape[-1:])
    return np.asarray(np.sqrt(scenario.shared) * common + np.sqrt(1 - scenario.shared) * own)


def _law(rng: np.random.Generator, law: Law, shape: tuple[int, ...]) -> Array:
    match law:
        case "normal":
            return rng.standard_normal(shape)
        case "t3":
            return np.asarray(rng.standard_t(3, shape) / np.sqrt(3))
        case "skewed":
            return np.asarray(1 - rng.exponential(size=shape))
        case "stuck":
            stuck = rng.random(shape) < STUCK
            return np.asarray(rng.standard_normal(shape) - DEPTH * (stuck - STUCK))


def _lost(rng: np.random.Generator, scenario: Scenario, noises: Array) -> np.ndarray:
    """Return which runs are n/c, in the shape of their noises: (arms, levels, n)."""
    shares = np.array(scenario.lost)[:, None, None]
    match scenario.which:
        case "any":
            return np.asarray(rng.random(noises.shape) < shares)
        case "worst":
            return noises < _worst(scenario.law, scenario.shared, scenario.lost[0])
        case "together":
            common, own = rng.standard_normal(noises.shape[-1]), rng.standard_normal(noises.shape)
            latent = np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * own
            return np.asarray(latent < special.ndtri(shares))


@functools.cache
def _worst(law: Law, shared: float, share: float) -> float:
    """Return the noise below which a share of runs lies, from many draws."""
    like = Scenario("", law, shared)
    return float(np.quantile(_noises(np.random.default_rng(1), like, (400_000,)), share))


def right(rng: np.random.Generator, sets: int, n: int, truth: Array, same: bool) -> np.ndarray:
    """Return which of 360 test examples runs get right: (arms, levels, n, examples).

    sets   1 where all replicates share their test examples, n where each has its own
    truth  (arms, levels) points above 90 % of the accuracy on all examples that there are
    same   whether two arms get the same examples right but for their seeds

    Right or wrong is a probit of the example, the example in a cell, the replicate and chance.
    """
    arms, levels = truth.shape
    cells = (1 if same else arms, 1 if same else levels, sets, EXAMPLES)
    score = _EXAMPLE * rng.standard_normal((1, 1, sets, EXAMPLES))
    score = score + _IN_CELL * rng.standard_normal(cells)
    score = score + _REPLICATE * rng.standard_normal((arms, levels, n, 1))
    total = np.sqrt(1 + _EXAMPLE**2 + _IN_CELL**2 + _REPLICATE**2)
    above = total * special.ndtri(ACCURACY + POINT * truth)[:, :, None, None]
    chance = rng.standard_normal((arms, levels, n, EXAMPLES), dtype=np.float32)
    return np.asarray(score + above + chance > 0)


@functools.cache
def all_converge(lost: float, cells: int, correlation: float) -> float:
    """Return the share of replicates whose runs in all cells converge, by quadrature.

    lost         probability that a run is n/c
    correlation  of the latent normal scores, one a run, whose lower tail is n/c
    """
    if not correlation:
        return float((1 - lost) ** cells)
    middles = special.ndtri((np.arange(20_000) + 0.5) / 20_000)
    threshold = special.ndtri(lost)
    alone = (threshold - np.sqrt(correlation) * middles) / np.sqrt(1 - correlation)
    return float((special.ndtr(-alone) ** cells).mean())
