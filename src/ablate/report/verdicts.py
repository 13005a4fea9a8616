"""Claims against runs: a verdict for each, all of them one family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ablate import stats
from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.report.claim_evidence import Case, case, margin_of
from ablate.report.claim_metrics import measure
from ablate.report.frame import Frames
from ablate.report.parts import of_part, tuning_runs
from ablate.study.claims import Claim, Rate
from ablate.study.schema import Study

Ruling = Literal["supported", "refuted", "inconclusive", "not answered", "incomplete", "withheld"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict(Case):
    """One claim, judged.

    outcome        `withheld` under six replicates or in a quick look, `incomplete` where a run is
                   missing, `not answered` where nothing converged
    level          at which it was judged: Holm's step of the family, less for several looks
    margin         beyond which, or within which, the claim sees the effect
    low, high      of the effect's interval at that level; None where there is none
    needed         replicates that would show a margin's worth with 80 % power; None: not told, or
                   no more than there are
    p_flip         exact sign-flip p of the pairs that converged in both
    better         P(A > B) over them
    p_convergence  that A and B converge equally often (McNemar)
    """

    claim: Claim
    outcome: Ruling
    level: float
    margin: float
    low: float | None
    high: float | None
    needed: int | None
    p_flip: float | None = None
    better: float | None = None
    p_convergence: float | None = None


def judge(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig], looks: int = 1
) -> list[Verdict]:
    """Return a verdict per claim of the study; a quick version has none.

    looks  how often the runs have been looked at with growing replicates: see `look_level`
    """
    cases = [claim_case(claim, study, frames, configs) for claim in study.claims]
    levels = stats.holm_levels([one.evidence.p for one in cases], look_level(looks))
    return [
        _verdict(claim, found, study, level)
        for claim, found, level in zip(study.claims, cases, levels, strict=True)
    ]


def look_level(look: int) -> float:
    """Return the level of the k-th look at growing replicates: 5 %/k^2.

    Nobody knows at the first how many will follow; the levels of all looks together are at most
    1.65 times 5 %, and looks at the same growing data were simulated to err in 6 % of studies.
    """
    return stats.ALPHA / look**2


def claim_case(
    claim: Claim, study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> Case:
    """Return what the runs say of one claim, before the family is adjusted."""
    part = study.part_of(claim)
    own, frames = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
    if study.tune and study.tune.key in claim.factors:
        own, frames = tuning_runs(own, frames)
    try:
        measured = measure(claim.metric, own, frames)
        found = case(claim, measured, configs)
        absent = {cell for arm in found.arms for cell in arm.cells} & measured.absent
        if absent:
            raise ReportError(f"runs of {min(absent)} have no {claim.metric}")
        return found
    except ReportError as error:
        # Of a study swept with another depth, say: one claim must not cost the report.
        return Case(stats.NOTHING, note=str(error))


def _verdict(claim: Claim, found: Case, study: Study, level: float) -> Verdict:
    evidence, difference = found.evidence, found.difference
    outcome = _ruling(claim, found, study, level)
    worth = getattr(claim, "margin", None) or study.smallest_effect
    needed = None
    if outcome == "inconclusive" and difference is not None and evidence.sd and worth:
        needed = stats.replicates_needed(worth / evidence.sd, level)
        # Enough of them already: the effect is about as large as the margin, which no plan foresaw.
        needed = needed if needed and needed > evidence.n_effect else None
    of_pairs: dict[str, Any] = {}
    if difference is not None:
        a, b = (arm.not_converged.any(axis=0) for arm in found.arms)
        of_pairs = {
            "p_flip": stats.sign_flip(difference),
            "better": stats.chance_of_better(difference),
            "p_convergence": stats.sign_p(int((b & ~a).sum()), int((a & ~b).sum())),
        }
    low, high = evidence.limits(level)
    return Verdict(
        **vars(found),
        claim=claim,
        outcome=outcome,
        level=level,
        margin=margin_of(claim, study),
        low=low,
        high=high,
        needed=needed,
        **of_pairs,
    )


def _ruling(claim: Claim, found: Case, study: Study, level: float) -> Ruling:
    evidence, arms = found.evidence, found.arms
    if any(arm.missing.any() for arm in arms):
        return "incomplete"
    if arms and (study.is_quick or arms[0].values.shape[1] < stats.LEAST_REPLICATES):
        return "withheld"
    nothing = all(arm.not_converged.all() for arm in arms)
    if not arms or (nothing and not isinstance(claim, Rate)):
        return "not answered"
    if evidence.p_supported <= level:
        return "supported"
    return "refuted" if evidence.p_refuted <= level else "inconclusive"
