"""Effects at the tuned value of a nuisance beside those at each value that was tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.config.ensemble import NoEnsemble
from ablate.metrics import Final
from ablate.report.claim_evidence import Case
from ablate.report.frame import Frames
from ablate.report.number_text import number, plus_minus
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import csv_text
from ablate.report.verdicts import claim_case
from ablate.stats import ALPHA
from ablate.study.claims import Effect, Spread
from ablate.study.schema import Study


@dataclass(frozen=True, eq=False)
class AtValues:
    """A claim's comparison of two levels, `tuned` and at every value tried."""

    claim: Effect | Spread
    cases: Mapping[str, Case]


def at_values(study: Study, frames: Frames, configs: Mapping[str, RunConfig]) -> list[AtValues]:
    """Return the claims that compare two levels in a final metric, at each value of the nuisance.

    Claims that have no effect at any value, for want of pairs that converged, are left out, and
    those about ensembles: what tunes an ensemble is one network alone.

    Runs at a fixed value are those that tuned it: replicates of their own, and fewer.
    """
    tune = study.tune
    if tune is None:
        return []
    found = []
    for claim in study.claims:
        if not isinstance(claim, Effect | Spread) or tune.key in claim.factors:
            continue
        if not isinstance(claim.metric, Final | None):
            continue
        fixed = {
            value: claim.model_copy(update={"at": {**claim.at, tune.key: (value,)}})
            for value in tune.factor.level_names
        }
        cases = {at: claim_case(one, study, frames, configs) for at, one in fixed.items()}
        tuned = claim_case(claim, study, frames, configs)
        if _has_ensembles(tuned, configs):
            continue
        if any(case.evidence.effect is not None for case in cases.values()):
            found.append(AtValues(claim, {"tuned": tuned, **cases}))
    return found


def _has_ensembles(case: Case, configs: Mapping[str, RunConfig]) -> bool:
    cells = [configs.get(cell) for arm in case.arms for cell in arm.cells]
    return any(c is not None and not isinstance(c.ensemble, NoEnsemble) for c in cells)


def print_at_values(rows: list[AtValues], study: Study) -> PrintedTable:
    """Return them as a table: claims down, values across."""
    tune = study.tune
    assert tune is not None
    label = tune.factor.label
    scored = "" if study.looks else f"{study.replicates} "
    tuned_by = "" if study.looks else f", {study.tuning_replicates} a value"
    tuned, *values = rows[0].cases
    return PrintedTable(
        title=f"The same comparisons at the tuned and at every fixed {label}.",
        corner="claim",
        columns=(tuned, *(f"{label} {value}" for value in values)),
        rows=tuple((row.claim.text, tuple(map(_entry, row.cases.values()))) for row in rows),
        caption=(
            "Mean difference with the half-width of its own 95 % t interval, of pairs that "
            "converged in both; in brackets the n/c runs of either arm. Tuned: the "
            f"{scored}scored replicates. Fixed: those that tuned it{tuned_by}. "
            "No verdicts; spreads are variances between levels.",
        ),
    )


def at_values_csv(rows: list[AtValues]) -> str:
    """Return one line per claim and value, floats unrounded."""
    header = ["claim", "at", "effect", "low", "high", "unit", "n", "lost", "runs"]
    lines = [
        [
            row.claim.name, at, case.evidence.effect, *case.evidence.limits(ALPHA), case.unit,
            case.evidence.n_effect, sum(case.not_converged), sum(case.runs),
        ]
        for row in rows
        for at, case in row.cases.items()
    ]  # fmt: skip
    return csv_text(header, lines)


def _entry(case: Case) -> Entry:
    note = f"n/c {case.lost}" if any(case.not_converged) else ""
    evidence = case.evidence
    if evidence.effect is None:
        return Entry("–", note=note)
    if evidence.interval is None:
        return Entry(number(evidence.effect, 2, "+"), note=note)
    low, high = evidence.interval(ALPHA)
    return Entry(plus_minus(evidence.effect, (high - low) / 2, 4, "+"), note=note)
