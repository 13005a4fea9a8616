"""The comparisons of two levels that a report rests on: those of its claims, or of who leads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablate import stats
from ablate.config import RunConfig
from ablate.errors import ReportError
from ablate.metrics import Final
from ablate.report.answer import compared_factor
from ablate.report.claim_metrics import measure
from ablate.report.frame import Frames
from ablate.report.lead import lead, scored
from ablate.report.parts import of_part
from ablate.report.verdicts import Verdict
from ablate.report.wording import pair_text
from ablate.study.claims import Effect, Interaction, Noise, Rule, Spread
from ablate.study.schema import Factor, Study

Arms = tuple[stats.Arm, stats.Arm]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Level `a` of a factor against `b`, where `at` fixes others.

    claim     the claim's name; None where a report without claims compares who leads
    what      as it is said: `flip against none`
    study     of the part that it is about, with its frames
    metric    the final metric that is compared, as the frame's column; empty for another
    arms      its runs, settings down and replicates across
    evidence  on a less b; NOTHING where the claim is about more than their mean difference
    verdict   of the claim; None without one
    """

    claim: str | None
    what: str
    study: Study
    frames: Frames
    factor: Factor
    a: str
    b: str
    at: Rule
    metric: str
    arms: Arms
    evidence: stats.Evidence
    verdict: Verdict | None = None

    def arms_in(self, metric: str) -> Arms | None:
        """Return the same runs in another final metric as shown; None where they lack it."""
        try:
            found = measure(Final(metric), self.study, self.frames)
            return found.pair(self.factor.name, self.a, self.b, self.at)
        except ReportError:
            return None


def comparisons(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig], verdicts: Sequence[Verdict]
) -> list[Comparison]:
    """Return what claims compare; without claims the leader with every other level.

    Claims on the noise between replicates, and those at a value of the tuned key, are left out.
    """
    if study.claims:
        return list(_of_claims(study, frames, verdicts))
    return list(_of_leaders(study, frames, configs))


def _of_claims(study: Study, frames: Frames, verdicts: Sequence[Verdict]) -> Iterator[Comparison]:
    for verdict in verdicts:
        claim = verdict.claim
        if not isinstance(claim, Effect | Spread) or isinstance(claim, Noise):
            continue
        if len(verdict.arms) != 2 or (study.tune and study.tune.key in claim.factors):
            continue
        part = study.part_of(claim)
        own, runs = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
        if verdict.look is not None:
            own = own.of_replicates(verdict.look.replicates)
        name, a, b = claim.compare
        plain = isinstance(claim, Effect) and not isinstance(claim, Interaction)
        final = str(claim.metric) if isinstance(claim.metric, Final) else ""
        yield Comparison(
            claim=claim.name,
            what=pair_text(own.factor(name), a, b),
            study=own,
            frames=runs,
            factor=own.factor(name),
            a=a,
            b=b,
            at=claim.at,
            metric=study.metric.name if claim.metric is None else final,
            arms=(verdict.arms[0], verdict.arms[1]),
            evidence=verdict.evidence if plain else stats.NOTHING,
            verdict=verdict,
        )


def _of_leaders(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> Iterator[Comparison]:
    for part in study.all_parts if study.factors else ():
        own, runs = study.part(part), of_part(part, frames)
        factor = compared_factor(study, part.name, own)
        try:
            found = lead(own, runs, scored(own, runs.runs, configs), factor)
        except ReportError:
            continue
        if found is None:
            continue
        for one in found.against:
            yield Comparison(
                claim=None,
                what=pair_text(factor, found.best, one.other),
                study=own,
                frames=runs,
                factor=factor,
                a=found.best,
                b=one.other,
                at={},
                metric=study.metric.name,
                arms=one.arms,
                evidence=one.evidence,
            )
