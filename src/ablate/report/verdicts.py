"""Claims against runs: a verdict for each, all of them one family."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal

from ablate import stats
from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.report.claim_evidence import Case, case, margin_of
from ablate.report.claim_metrics import measure
from ablate.report.frame import Frames
from ablate.report.looks import Look, Looked, at_looks, is_hopeless, is_small
from ablate.report.other_examples import OtherExamples, other_examples
from ablate.report.parts import of_part, tuning_runs
from ablate.report.run_arrays import Measure
from ablate.study.claims import Claim, Effect, Rate
from ablate.study.schema import Study

#: `DISAGREE` in full: what a page says of runs whose quality and whose number speak against
#: each other.
DISAGREE: Final = "undecided: the parts disagree"
#: Of a claim that one arm is better, in a study with looks: so equal that it need not go on.
SMALL: Final = "less than the smallest effect"
Ruling = Literal[
    "supported", "refuted", "inconclusive", "less than the smallest effect",
    "undecided: the parts disagree", "not answered", "incomplete", "withheld",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict(Case):
    """One claim, judged.

    outcome        `withheld` in a quick look or where fewer than six replicates say something,
                   `incomplete` where a run is missing, `not answered` where nothing converged;
                   `DISAGREE` where runs that converged and runs that did not speak for opposite
                   verdicts; `SMALL` where the interval lies inside ± the smallest effect
    level          at which it was judged: Holm's step of the family, less where the study was
                   declared anew, or what of it its look has
    margin         beyond which, or within which, the claim sees the effect
    low, high      of the effect's interval at the family's level shared by all claims
                   (Bonferroni): such intervals hold together; None where there is none
    needed         of an open claim, the replicates that would decide it with 80 % power if the
                   effect is what it seems: for both ends of the 80 % interval of the standard
                   deviation; None: not told, or no more than there are
    p_flip         exact sign-flip p of the pairs that converged in both
    better         P(A > B) over them
    p_convergence  that A and B converge equally often (McNemar)
    look           where it stands among the looks of the study; None where there is one
    other_examples what the runs say of the claim for other test examples too; None where that is
                   no question
    """

    claim: Claim
    outcome: Ruling
    level: float
    margin: float
    low: float | None
    high: float | None
    needed: tuple[int, int] | None
    p_flip: float | None = None
    better: float | None = None
    p_convergence: float | None = None
    look: Look | None = None
    other_examples: OtherExamples | None = None

    @property
    def is_decided(self) -> bool:
        """Whether it is supported or refuted."""
        return self.outcome in ("supported", "refuted")

    @property
    def would_tell(self) -> str:
        """How many replicates would decide it, as half a sentence; empty where that is unknown."""
        if self.look is not None and self.look.hopeless:
            return f"{self.look.looks[-1]:,} replicates would hardly tell"
        if self.look is not None and self.look.next is not None:
            n, most = self.look.replicates, self.look.looks[-1]
            return f"open after {n:,} of at most {most:,} replicates"
        if self.needed is None:
            return ""
        low, high = self.needed
        if isinstance(self.claim, Rate):
            return f"{low:,} replicates that all do would tell"
        span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        return f"about {span} replicates would tell"


def judge(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig], declarations: int = 1
) -> list[Verdict]:
    """Return a verdict per claim of the study; a quick version has none.

    Where the study has looks each claim has a sequential p value, of all looks that its runs have
    reached, and Holm's steps are taken over these.

    declarations  how often the study was declared with runs to look at, see `deviation_level`
    """
    case_of = partial(claim_case, frames=frames, configs=configs)
    found = [at_looks(claim, study, frames.runs, partial(case_of, claim)) for claim in study.claims]
    family = stats.deviation_level(declarations)
    levels = stats.holm_levels([one.p for one in found], family)
    verdicts = (
        _judged(claim, one, study, level, family / len(found))
        for claim, one, level in zip(study.claims, found, levels, strict=True)
    )
    return [
        replace(one, other_examples=_for_others(one, study, frames, configs)) for one in verdicts
    ]


def _for_others(
    verdict: Verdict, study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> OtherExamples | None:
    """Return what is told for other test examples, of the runs that the verdict rests on."""
    own = study.of_replicates(verdict.look.replicates) if verdict.look else study
    told = verdict.outcome, verdict.level
    return other_examples(verdict.claim, own, frames, configs, *told)


def claim_case(
    claim: Claim, study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> Case:
    """Return what the runs say of one claim, before the family is adjusted."""
    part = study.part_of(claim)
    own, frames = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
    if study.tune and study.tune.key in claim.factors:
        own, frames = tuning_runs(own, frames)
    try:
        return measured_case(claim, measure(claim.metric, own, frames), configs)
    except ReportError as error:
        # Of a study swept with another depth, say: one claim must not cost the report.
        return Case(stats.NOTHING, note=str(error))


def measured_case(claim: Claim, runs: Measure, configs: Mapping[str, RunConfig]) -> Case:
    """Return what runs of one part say of a claim in its metric; a note where they say nothing."""
    try:
        found = case(claim, runs, configs)
    except ReportError as error:
        return Case(stats.NOTHING, note=str(error))
    absent = {cell for arm in found.arms for cell in arm.cells} & runs.absent
    note = f"runs of {min(absent)} have no {claim.metric}" if absent else ""
    return Case(stats.NOTHING, note=note) if absent else found


def _judged(claim: Claim, found: Looked, study: Study, level: float, shared: float) -> Verdict:
    """Return the verdict of the look that decides a claim, else of the last that runs reached."""
    nominal, of_interval = found.levels(level), found.levels(shared)
    decided = found.decided_at(level)
    small = next(
        (
            place
            for place, one in enumerate(found.cases[:decided])
            if is_small(claim, study, one, of_interval[place])
        ),
        None,
    )
    ends = [place for place in (small, decided) if place is not None]
    place = min(ends, default=len(found.cases) - 1)
    n = found.looks[place]
    own = study.of_replicates(n)
    verdict = _verdict(claim, found.cases[place], own, nominal[place], of_interval[place])
    if len(found.looks) == 1:
        return verdict
    is_open = small is None and verdict.outcome in ("inconclusive", "withheld", DISAGREE)
    goes_on = is_open and place < len(found.looks) - 1
    hopeless = goes_on and is_hopeless(claim, study, found, level, shared)
    further = found.looks[place + 1] if goes_on and not hopeless else None
    return replace(
        verdict,
        outcome=verdict.outcome if small is None else SMALL,
        needed=None if goes_on else verdict.needed,
        look=Look(place + 1, n, found.looks, further, hopeless),
    )


def _verdict(claim: Claim, found: Case, study: Study, level: float, shared: float) -> Verdict:
    evidence, difference = found.evidence, found.difference
    outcome = _ruling(claim, found, study, level)
    of_pairs: dict[str, Any] = {}
    if difference is not None:
        a, b = (arm.not_converged.any(axis=0) for arm in found.arms)
        of_pairs = {
            "p_flip": stats.sign_flip(difference),
            "better": stats.chance_of_better(difference),
            "p_convergence": stats.sign_p(int((b & ~a).sum()), int((a & ~b).sum())),
        }
    low, high = evidence.limits(shared)
    return Verdict(
        **vars(found),
        claim=claim,
        outcome=outcome,
        level=level,
        margin=margin_of(claim, study),
        low=low,
        high=high,
        needed=_needed(claim, found, study, level) if outcome == "inconclusive" else None,
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
    if evidence.n < stats.LEAST_REPLICATES:
        return "not answered" if evidence.test == "none" else "withheld"
    if evidence.disagree:
        return DISAGREE
    if evidence.p_supported <= level:
        return "supported"
    return "refuted" if evidence.p_refuted <= level else "inconclusive"


def _needed(claim: Claim, found: Case, study: Study, level: float) -> tuple[int, int] | None:
    """Return how many replicates would decide an open claim, as a range.

    What has to be told apart from zero is the distance between effect and margin; that an
    equality holds is planned for equal arms. Lost pairs are lost again.
    """
    evidence, margin = found.evidence, margin_of(claim, study)
    if isinstance(claim, Rate):
        enough = stats.replicates_for_rate(claim.rate, level)
        return (enough, enough) if enough and enough > evidence.n else None
    if evidence.effect is None or not evidence.sd or not isinstance(claim, Effect):
        return None
    equal = claim.expect == "equal" and abs(evidence.effect) < margin
    bound = -margin if claim.expect == "less" else margin
    if claim.expect == "equal":
        distance = margin if equal else abs(evidence.effect) - margin
    else:
        distance = abs(evidence.effect - bound)
    plan = stats.replicates_for_equality if equal else stats.replicates_needed
    counts = [plan(distance / sd, level) for sd in stats.sd_range(evidence.sd, evidence.n_effect)]
    low, high = (None if n is None else -(-n * evidence.n // evidence.n_effect) for n in counts)
    if low is None or high is None or high <= evidence.n:
        return None
    return max(low, evidence.n + 1), high
