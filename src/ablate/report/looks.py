"""One claim at the looks of its study: what each look says, which decides, and who goes on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate import stats
from ablate.report.claim_evidence import Case, margin_of
from ablate.report.run_arrays import asked_of
from ablate.stats.looks import Looks, levels, sequential_p
from ablate.stats.stopping import HOPELESS, chance_of_small, conditional_power
from ablate.study.claims import Claim, Effect
from ablate.study.schema import Study


@dataclass(frozen=True)
class Look:
    """Where a claim stands among the looks of its study.

    number      of the look that its verdict is of, from 1
    replicates  of that look
    looks       all that were declared
    next        replicates of the look that it goes on to; None where it is decided or given up,
                or has had its last look
    hopeless    whether it is given up: with all replicates it would hardly be decided
    """

    number: int
    replicates: int
    looks: Looks
    next: int | None = None
    hopeless: bool = False


@dataclass(frozen=True, eq=False)
class Looked:
    """The evidence on a claim at every look that its runs have reached, and that are declared."""

    looks: Looks
    cases: tuple[Case, ...]
    lawful: int

    @property
    def p(self) -> float:
        """The smallest level at which the claim is decided either way (sequential p)."""
        if len(self.looks) == 1:
            return self.cases[0].evidence.p
        found = [_p(one) for one in self.cases]
        return float(sequential_p(found, self.looks, self.lawful)[-1])

    def levels(self, alpha: float) -> list[float]:
        """Return the nominal level of each look, for a claim that is judged at `alpha`."""
        return [float(level) for level in levels(self.looks, alpha, self.lawful)]

    def decided_at(self, alpha: float) -> int | None:
        """Return the place of the look that decides the claim at `alpha`; None where none does."""
        if len(self.looks) == 1:
            return None  # there is nothing to choose
        found = zip(self.cases, self.levels(alpha), strict=False)
        return next((k for k, (one, level) in enumerate(found) if _p(one) <= level), None)


def at_looks(
    claim: Claim, study: Study, runs: pd.DataFrame, case: Callable[[Study], Case]
) -> Looked:
    """Return a claim at its looks.

    runs  a row per run of the study that ended
    case  gives the evidence of a study of one look

    A claim about runs that tuned a key once for all has one look: scored replicates add nothing.
    """
    tune = study.tune
    fixed = tune is not None and tune.key in claim.factors and not tune.nested
    if not study.looks or fixed:
        return Looked((study.replicates,), (case(study),), 1)
    cases = [case(study.of_replicates(study.looks[0]))]
    cells = {name for arm in cases[0].arms for name in arm.cells}
    there = min((asked_of(study, runs[runs["cell"] == cell]) for cell in cells), default=0)
    cases += [case(study.of_replicates(n)) for n in study.looks[1:] if n <= there]
    lawful = 0
    # The noise of a choice that all replicates share is the same at every look.
    tuned = study.tune is not None and not study.tune.nested
    while lawful < len(cases) and not tuned and _is_lawful(cases[lawful], study.looks[lawful]):
        lawful += 1
    # What comes is hoped to be as what was.
    return Looked(study.looks, tuple(cases), len(study.looks) if lawful == len(cases) else lawful)


def is_small(claim: Claim, study: Study, case: Case, level: float) -> bool:
    """Tell whether the interval of an effect, at `level`, lies inside ± the smallest effect.

    Only of the study's own metric, in whose unit the smallest effect is, and where every run
    converged.
    """
    smallest, evidence = study.smallest_effect, case.evidence
    whole = not any(arm.missing.any() for arm in case.arms)
    if not (_may_be_small(claim, study) and smallest and whole and evidence.test == "paired t"):
        return False
    low, high = evidence.limits(level)
    return low is not None and high is not None and -smallest < low <= high < smallest


def is_hopeless(claim: Claim, study: Study, looked: Looked, alpha: float, shared: float) -> bool:
    """Tell whether all replicates together would hardly decide a claim that is open.

    Nor show it smaller than the smallest effect, where it may end so.

    alpha, shared  at which the claim is judged, and at which its interval is taken
    """
    case, n = looked.cases[-1], looked.looks[len(looked.cases) - 1]
    evidence = case.evidence
    if not isinstance(claim, Effect) or evidence.test != "paired t":
        return False
    if evidence.effect is None or not evidence.sd:
        return False
    so_far = evidence.effect, evidence.sd, n, looked.looks[-1]
    level = looked.levels(alpha)[-1]
    chance = conditional_power(*so_far, level, claim.expect, margin_of(claim, study))
    if _may_be_small(claim, study) and study.smallest_effect:
        within = chance_of_small(*so_far, looked.levels(shared)[-1], study.smallest_effect)
        chance = np.maximum(chance, within)
    return bool(chance < HOPELESS)


def _may_be_small(claim: Claim, study: Study) -> bool:
    """Tell whether a claim may end as less than the smallest effect, which is in its unit."""
    if not study.looks or not study.smallest_effect:
        return False
    return isinstance(claim, Effect) and claim.expect != "equal" and claim.metric is None


def _is_lawful(case: Case, n: int) -> bool:
    """Tell whether a look is a paired t of all its replicates, whose law is known.

    Of several statements that must all hold, the p for it is that of the weakest, so at most as
    often below a level as that of one that is false. The p against it is the smallest times their
    number; of as many as seven a level of that is up to 1.15 times too high, on one side alone.
    """
    e = case.evidence
    lost = any(arm.not_converged.any() for arm in case.arms)
    return not lost and e.test == "paired t" and e.n == e.n_effect == n


def _p(case: Case) -> float:
    """Return the p that can decide a look: 1 where runs are missing or too few say something."""
    missing = any(arm.missing.any() for arm in case.arms)
    few = case.evidence.n < stats.LEAST_REPLICATES
    return 1.0 if missing or few or case.evidence.disagree else case.evidence.p
