"""How many runs a study with looks may take: its rule, simulated for what may be true."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ablate.metrics import with_gaps
from ablate.stats.stopping import simulate_stops
from ablate.store.index import read_index
from ablate.store.reader import finished
from ablate.study.claim_check import cells_of
from ablate.study.claims import Claim, Effect, Interaction, Noise
from ablate.study.plan import Plan

#: Pairs from which the deviation of their differences is taken.
_LEAST_PAIRS = 3


def expected_runs(plan: Plan, root: Path) -> Mapping[str, float]:
    """Return the scored runs to expect in all, by what is true; empty for a study of one look.

    Every claim is taken for a paired t on pairs of its own, all effects for as large: none, the
    smallest effect and twice that where runs that are there tell its size, else 0.5, 1 and 2
    standard deviations of the pair differences. A cell goes on while a claim about it is open.
    """
    study = plan.study
    if not study.looks:
        return {}
    about = [
        [k for k, claim in enumerate(study.claims) if cell in list(cells_of(claim, study, [cell]))]
        for cell in plan.cells
    ]
    sd = _deviation(plan, root) if study.smallest_effect else None
    smallest = study.smallest_effect / sd if study.smallest_effect and sd else None
    truths = {"nothing differs": 0.0}
    if smallest is not None:
        unit = study.metric.unit.replace("%", "point" if study.smallest_effect == 1 else "points")
        truths[f"effects are {study.smallest_effect:g} {unit}".rstrip()] = smallest
        truths["effects are twice that"] = 2 * smallest
    else:
        truths |= {f"effects are {size:g} sd": size for size in (0.5, 1.0, 2.0)}
    found = {}
    for truth, size in truths.items():
        stops = simulate_stops(study.looks, [size] * len(study.claims), smallest)
        asked = [
            stops.replicates[:, claims].max(axis=1).mean() if claims else study.looks[0]
            for claims in about
        ]
        found[truth] = float(np.sum(asked))
    return found


def _deviation(plan: Plan, root: Path) -> float | None:
    """Return the median over claims of the deviation of pair differences; None where none is."""
    study = plan.study
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for cell in read_index(root, study.name) or ():
        for replicate, _, result in finished(root, study.name, cell):
            value = with_gaps(result.metrics).get(study.metric.name)
            if result.status == "done" and value is not None:
                values[cell.key][replicate] = study.metric.scale * value
    found = [sd for claim in study.claims for sd in _deviations(claim, plan, values)]
    return float(np.median(found)) if found else None


def _deviations(
    claim: Claim, plan: Plan, values: Mapping[str, Mapping[int, float]]
) -> Iterator[float]:
    """Yield the deviation of an effect's differences of means over settings, where runs tell it."""
    if not isinstance(claim, Effect) or isinstance(claim, Noise | Interaction) or claim.metric:
        return
    factor, *levels = claim.compare
    arms = [
        [values.get(cell.key, {}) for cell in cells_of(claim, plan.study, plan.cells)
         if cell.levels.get(factor) == level]
        for level in levels
    ]  # fmt: skip
    common = set.intersection(*(set(runs) for arm in arms for runs in arm)) if all(arms) else set()
    a, b = (np.array([[runs[r] for r in sorted(common)] for runs in arm]) for arm in arms)
    if len(common) >= _LEAST_PAIRS:
        sd = float((a.mean(axis=0) - b.mean(axis=0)).std(ddof=1))
        if sd > 0:
            yield sd
