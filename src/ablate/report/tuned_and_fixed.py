"""Effects at the tuned value of a nuisance beside those at each value that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.metrics import Final
from ablate.report.claim_evidence import Case
from ablate.report.number_text import decimals
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import csv_text
from ablate.report.verdicts import claim_case
from ablate.stats import ALPHA
from ablate.study.claims import Effect, Spread
from ablate.study.schema import Study, Tune

if TYPE_CHECKING:
    from ablate.config import RunConfig
    from ablate.report.frame import Frames


@dataclass(frozen=True, eq=False)
class AtValues:
    """A claim's comparison of two levels, at the tuned value and at every value tried."""

    claim: Effect | Spread
    tuned: Case
    fixed: tuple[tuple[str, Case], ...]


def at_values(study: Study, frames: Frames, configs: Mapping[str, RunConfig]) -> list[AtValues]:
    """Return the claims that compare two levels in a final metric, at each value of the nuisance.

    Claims that have no effect at any value, for want of pairs that converged, are left out.

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
        cases = [
            (level.name, claim_case(_at(claim, tune, level.name), study, frames, configs))
            for level in tune.factor.levels
        ]
        tuned = claim_case(claim, study, frames, configs)
        if any(case.evidence.effect is not None for _, case in cases):
            found.append(AtValues(claim, tuned, tuple(cases)))
    return found


def _at(claim: Effect | Spread, tune: Tune, value: str) -> Effect | Spread:
    return claim.model_copy(update={"at": {**claim.at, tune.key: (value,)}})


def print_at_values(rows: list[AtValues], study: Study) -> PrintedTable:
    """Return them as a table: claims down, values across."""
    tune = study.tune
    assert tune is not None
    label = tune.factor.label
    columns = ("tuned", *(f"{label} {value}" for value, _ in rows[0].fixed))
    printed = tuple(
        (row.claim.text, tuple(_entry(case) for case in (row.tuned, *(c for _, c in row.fixed))))
        for row in rows
    )
    return PrintedTable(
        title=f"The same comparisons at the tuned and at every fixed {label}.",
        corner="claim",
        groups=(),
        columns=columns,
        rows=printed,
        footer=(),
        caption=(
            "Mean difference with the half-width of its own 95 % t interval, of pairs that "
            f"converged in both; in brackets the n/c runs of either arm. Tuned: the "
            f"{study.replicates} scored replicates. Fixed: those that tuned it, {tune.replicates} "
            "a value. No verdicts; spreads are variances between levels.",
        ),
    )


def at_values_csv(rows: list[AtValues]) -> str:
    """Return one line per claim and value, floats unrounded."""
    header = ["claim", "at", "effect", "low", "high", "unit", "n", "lost", "runs"]
    lines = []
    for row in rows:
        for value, case in (("tuned", row.tuned), *row.fixed):
            evidence = case.evidence
            low, high = evidence.limits(ALPHA)
            lines.append(
                [
                    row.claim.name, value, evidence.effect, low, high, case.unit,
                    evidence.n_effect, case.not_converged, case.runs,
                ]
            )  # fmt: skip
    return csv_text(header, lines)


def _entry(case: Case) -> Entry:
    counts = ", ".join(f"{int(arm.not_converged.sum())}/{arm.values.size}" for arm in case.arms)
    note = f"n/c {counts}" if case.not_converged else ""
    evidence = case.evidence
    if evidence.effect is None:
        return Entry("–", note=note)
    if evidence.interval is None:
        return Entry(f"{evidence.effect:+.2f}".replace("-", "−"), note=note)
    low, high = evidence.interval(ALPHA)
    half = (high - low) / 2
    digits = decimals(half, 4)
    return Entry(f"{evidence.effect:+.{digits}f} ± {half:.{digits}f}".replace("-", "−"), note=note)
