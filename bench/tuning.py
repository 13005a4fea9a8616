"""How often two arms that are alike are told apart because they were tuned apart.

Both arms are one procedure: the same five values, the best in the middle, the next ones worse by a
gap, those beyond by four. Any verdict that they differ is wrong. Ten scored replicates; runs have
the standard deviation 1, the arms of a replicate are correlated by a half, and so are what
validation and what the test set say of a run. `python -m bench.tuning` takes a minute on one core
and writes its table into docs/statistics.md; `--studies 200` is a quick look that writes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ablate.stats import ALPHA, Array, Pairs, paired_effect, tuning_variance

TARGET = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
GAPS = (0.5, 1.0, 2.0)
_SCORED = 10
_SHAPE = np.array([4.0, 1.0, 0.0, 1.0, 4.0])
_SHARED = 0.5


def _runs(rng: np.random.Generator, means: Array, replicates: int) -> Array:
    """Return runs of two arms (2, ..., replicates) about means (2, ..., 1 or replicates)."""
    shape = np.broadcast_shapes(means.shape, (1,) * (means.ndim - 1) + (replicates,))
    shared = rng.standard_normal((1, *shape[1:]))
    own = rng.standard_normal(shape)
    return np.asarray(means + np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own)


def _tuning(rng: np.random.Generator, gap: float, replicates: int) -> tuple[Array, Array]:
    """Return what validation and the test set say of tuning runs: (arm, value, replicate)."""
    means = -gap * _SHAPE
    score = rng.standard_normal((2, len(means), replicates))
    other = rng.standard_normal(score.shape)
    metric = _SHARED * score + np.sqrt(1 - _SHARED**2) * other
    return score + means[:, None], metric + means[:, None]


def told_apart(rng: np.random.Generator, gap: float, how: str, replicates: int) -> bool:
    """Return whether a study finds two arms to differ that are the same.

    how  `nested`; `shared` by as many tuning `replicates`; `covered` is the same with the
         bootstrap variance of the choices
    """
    means = -gap * _SHAPE
    score, metric = _tuning(rng, gap, _SCORED if how == "nested" else replicates)
    if how == "nested":
        scored = _runs(rng, means[score.argmax(axis=1)], _SCORED)
    else:
        scored = _runs(rng, means[score.mean(axis=2).argmax(axis=1)][:, None], _SCORED)
    extra = None
    if how == "covered":
        tried = zip(score, metric.mean(axis=2), strict=True)
        extra = tuning_variance([[one] for one in tried])
    difference = scored[0] - scored[1]
    pairs = Pairs(difference, np.zeros(_SCORED))
    return paired_effect(pairs, "greater", 0.0, extra or (0.0, np.inf)).p <= ALPHA


#: Rows of the table: what is done, in words.
WAYS: Sequence[tuple[str, str, int]] = (
    ("nested: each replicate by its own tuning run", "nested", 1),
    ("shared, 1 tuning replicate, not covered", "shared", 1),
    ("shared, 3 tuning replicates, not covered", "shared", 3),
    ("shared, 3 tuning replicates, by bootstrap", "covered", 3),
    ("shared, 10 tuning replicates, not covered", "shared", 10),
    ("shared, 10 tuning replicates, by bootstrap", "covered", 10),
)


def errors(how: str, replicates: int, gap: float, studies: int, seed: int) -> float:
    """Return the share of studies with a wrong verdict."""
    rng = np.random.default_rng(seed)
    return sum(told_apart(rng, gap, how, replicates) for _ in range(studies)) / studies


def table(studies: int) -> list[str]:
    """Return the table, a row per way to tune."""
    gaps = " | ".join(f"second best worse by {gap:g} sd" for gap in GAPS)
    rows = [f"| tuning | {gaps} |", "|" + " --- |" * (1 + len(GAPS))]
    for name, how, replicates in WAYS:
        found = [errors(how, replicates, gap, studies, seed=11) for gap in GAPS]
        rows.append(f"| {name} | " + " | ".join(f"{100 * one:.1f}" for one in found) + " |")
    return rows


def main() -> None:
    """Simulate, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    rows = table(studies)
    print("\n".join(rows))
    if studies >= 2000:
        text = TARGET.read_text(encoding="utf-8")
        before, _, rest = text.partition("<!-- tuning -->\n")
        _, _, after = rest.partition("<!-- end tuning -->")
        block = "\n".join(["<!-- tuning -->", *rows, "<!-- end tuning -->"])
        TARGET.write_text(f"{before}{block}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
