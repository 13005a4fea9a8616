"""How often what is true of simulated runs is shown, and what is said where runs are n/c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ablate.stats import ALPHA, Evidence

from .calibration_claims import LEVELS, effect, spread
from .calibration_runs import Scenario, draw


@dataclass(frozen=True)
class Truth:
    """What is true of simulated runs.

    kind    a greater mean of A at one level, or over three; equal arms; a smaller spread of A
    size    of the difference at every level, of the margin of an equality, of the distance
            between levels of the arm that spreads more
    """

    kind: Literal["effect", "mean over levels", "equality", "spread"]
    size: float
    scenario: Scenario


def power(truth: Truth, n: int, studies: int, seed: int) -> tuple[float, float]:
    """Return how often a claim is supported at 5 %, and as the smallest p of seven claims."""
    rng = np.random.default_rng(seed)
    p = np.array([_evidence(rng, truth, n).p_supported for _ in range(studies)])
    return float((p <= ALPHA).mean()), float((p <= ALPHA / 7).mean())


def _evidence(rng: np.random.Generator, truth: Truth, n: int) -> Evidence:
    scenario, size = truth.scenario, truth.size
    match truth.kind:
        case "effect":
            return effect(draw(rng, scenario, n, ([size], [0.0])), "greater", 0.0)
        case "mean over levels":
            means = ([size] * LEVELS, [0.0] * LEVELS)
            return effect(draw(rng, scenario, n, means), "greater", 0.0)
        case "equality":
            return effect(draw(rng, scenario, n, ([0.0], [0.0])), "equal", size)
        case "spread":
            slope = [size * level for level in range(LEVELS)]
            return spread(draw(rng, scenario, n, ([0.0] * LEVELS, slope)))


@dataclass(frozen=True)
class Said:
    """Shares of studies: decided for each arm, by n/c alone, and undecided as the parts disagree.

    alone  of all studies, those decided although the runs that converged do not speak for it
    """

    a: float
    b: float
    alone: float
    disagree: float


def said(scenario: Scenario, difference: float, n: int, studies: int, seed: int) -> Said:
    """Return what a claim on A - B says where A's runs are better by a difference."""
    rng = np.random.default_rng(seed)
    a = b = alone = disagree = 0
    for _ in range(studies):
        found = effect(draw(rng, scenario, n, ([difference], [0.0])), "greater", 0.0)
        a += found.p_supported <= ALPHA
        b += found.p_refuted <= ALPHA
        alone += found.p <= ALPHA and found.is_of_convergence_alone
        disagree += found.disagree
    return Said(*(count / studies for count in (a, b, alone, disagree)))
