"""Claims against runs: a verdict for each, all of them one family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ablate.errors import ConfigError
from ablate.report.claim_evidence import Case, case, margin_of
from ablate.report.claim_metrics import measure
from ablate.report.parts import of_part, tuning_runs
from ablate.report.run_arrays import RunArrays
from ablate.stats import (
    ALPHA,
    NOTHING,
    Evidence,
    adjusted_levels,
    chance_of_better,
    mcnemar,
    replicates_needed,
    sign_flip,
)
from ablate.study.schema import REPLICATES, Claim, Study

if TYPE_CHECKING:
    from ablate.config import RunConfig
    from ablate.report.frame import Frames

Outcome = Literal["supported", "refuted", "inconclusive", "not answered", "incomplete", "withheld"]
#: Fewer replicates decide nothing: an exact test of five pairs cannot reach 5 %.
LEAST_REPLICATES = 6


@dataclass(frozen=True, eq=False)
class Verdict:
    """One claim, judged.

    outcome        `withheld` under six replicates or in a quick look, `incomplete` where a run is
                   missing, `not answered` where nothing converged
    level          at which it was judged: Holm's step of the family, less for several looks
    margin         beyond which, or within which, the claim sees the effect
    low, high      of the effect's interval at that level; None where there is none
    unit           of effect, interval and margin
    lost, runs     how many runs did not converge, of how many: of A and B, or of all
    needed         replicates that would show a margin's worth with 80 % power; None: not told, or
                   no more than there are
    p_flip         exact sign-flip p of the pairs that converged in both
    better         P(A > B) over them
    p_convergence  that A and B converge equally often (McNemar)
    note           why it is not answered, where the runs have nothing to answer it
    """

    claim: Claim
    outcome: Outcome
    evidence: Evidence
    level: float
    margin: float
    low: float | None
    high: float | None
    unit: str
    lost: tuple[int, ...]
    runs: tuple[int, ...]
    needed: int | None
    p_flip: float | None
    better: float | None
    p_convergence: float | None
    note: str = ""


def judge(
    study: Study,
    frames: Frames,
    configs: Mapping[str, RunConfig],
    looks: int = 1,
    withheld: bool = False,
) -> list[Verdict]:
    """Return a verdict per claim of the study.

    looks     how often the runs have been looked at with growing replicates: see `look_level`
    withheld  for quick looks
    """
    cases = [claim_case(claim, study, frames, configs) for claim in study.claims]
    levels = adjusted_levels([one.evidence.p for one in cases], look_level(looks))
    return [
        _verdict(claim, one, study, level, withheld)
        for claim, one, level in zip(study.claims, cases, levels, strict=True)
    ]


def look_level(look: int) -> float:
    """Return the level of the k-th look at growing replicates: 5 %/k^2.

    Nobody knows at the first how many will follow; the levels of all looks together are at most
    1.65 times 5 %, and looks at the same growing data were simulated to err in 6 % of studies.
    """
    return ALPHA / look**2


def claim_case(
    claim: Claim, study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> Case:
    """Return what the runs say of one claim, before the family is adjusted."""
    spoken_of = {claim.over, claim.spread_over, *claim.at} | {(claim.compare or (None,))[0]}
    spoken_of |= {(claim.interaction or (None,))[0]}
    names = {name for name in spoken_of if name not in (None, REPLICATES)}
    tuned = study.tune.key if study.tune else None
    part = next(part for part in study.all_parts if names - {tuned} <= set(part.factors))
    own, frames = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
    if tuned in names:
        own, frames = tuning_runs(own, frames)
    try:
        measured = measure(claim.metric, own, frames)
        found = case(claim, own, RunArrays(own, measured), configs)
        absent = {cell for arm in found.arms for cell in arm.cells} & measured.absent
        if absent:
            raise ConfigError(f"claims: runs of {min(absent)} have no {claim.metric}")
        return found
    except ConfigError as error:
        # Of a study swept with another depth, say: one claim must not cost the report.
        return Case(NOTHING, (), None, "", note=str(error))


def _verdict(claim: Claim, found: Case, study: Study, level: float, withheld: bool) -> Verdict:
    evidence, arms = found.evidence, found.arms
    counts_runs = claim.expect in ("converges", "diverges")
    outcome: Outcome = "inconclusive"
    if any(arm.missing.any() for arm in arms):
        outcome = "incomplete"
    elif arms and (withheld or arms[0].values.shape[1] < LEAST_REPLICATES):
        outcome = "withheld"
    elif not arms or (all(arm.lost.all() for arm in arms) and not counts_runs):
        outcome = "not answered"
    elif evidence.p_supported <= level:
        outcome = "supported"
    elif evidence.p_refuted <= level:
        outcome = "refuted"
    low, high = evidence.interval(level) if evidence.interval else (None, None)
    worth = claim.margin or study.smallest_effect
    paired = found.difference is not None
    needed = None
    if outcome == "inconclusive" and paired and evidence.sd and worth:
        needed = replicates_needed(evidence.sd, worth, level)
        # Enough of them already: the effect is about as large as the margin, which no plan foresaw.
        needed = needed if needed and needed > evidence.n_effect else None
    convergence = None
    if found.difference is not None:
        a_lost, b_lost = (arm.lost.any(axis=0) for arm in arms)
        convergence = mcnemar(int((b_lost & ~a_lost).sum()), int((a_lost & ~b_lost).sum()))
    return Verdict(
        claim=claim,
        outcome=outcome,
        evidence=evidence,
        level=level,
        margin=_shown_margin(claim, study),
        low=low,
        high=high,
        unit=found.unit,
        lost=tuple(int(arm.lost.sum()) for arm in arms),
        runs=tuple(int(arm.lost.size) for arm in arms),
        needed=needed,
        p_flip=None if found.difference is None else sign_flip(found.difference),
        better=None if found.difference is None else chance_of_better(found.difference),
        p_convergence=convergence,
        note=found.note,
    )


def _shown_margin(claim: Claim, study: Study) -> float:
    if claim.rate is not None:
        return claim.rate
    return claim.within if claim.within is not None else margin_of(claim, study)
