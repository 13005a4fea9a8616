"""Main effects and two-way interactions of a complete grid, a family of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from ablate.report.claim_evidence import Case
from ablate.report.claim_metrics import measure
from ablate.report.context import Context, Tabulated
from ablate.report.figures.canvas import Drawing
from ablate.report.figures.forest import SHOWN, Row, axis_label, forest, split
from ablate.report.figures.select import subjects
from ablate.report.figures.style import NEUTRAL
from ablate.report.frame import Frames
from ablate.report.number_text import p_is, p_text, with_interval
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.run_arrays import of_common_replicates
from ablate.report.tables import csv_text
from ablate.report.verdicts import measured_case
from ablate.stats import ALPHA, holm
from ablate.study.claims import Effect, Interaction
from ablate.study.schema import Factor, Study

_MOST = 30  # rows of one figure


@dataclass(frozen=True, eq=False)
class Contrast:
    """One main effect or interaction.

    name       `relu − tanh`, or `(relu − tanh) at he − at xavier`
    about      the factors: `activation`, `init × activation`
    low, high  of its simultaneous 95 % interval; None without one
    p          two-sided, adjusted by Holm over all contrasts
    """

    name: str
    about: str
    case: Case
    low: float | None
    high: float | None
    p: float


def exhibits(context: Context) -> Iterator[Tabulated | Drawing]:
    """Yield the table of all contrasts, and a drawing of the first of them.

    Raises ReportError where no run has the metric.
    """
    study = of_common_replicates(context.study, context.frames.runs)
    contrasts = factorial(study, context.frames)
    yield Tabulated(print_contrasts(contrasts, study), {"": contrasts_csv(contrasts)})
    rows = contrast_rows(contrasts)
    if rows:
        more = f" The first {_MOST} of {len(rows)}; the table has all." if len(rows) > _MOST else ""
        subject = next(subjects(context, *(factor.name for factor in context.study.factors)))
        caption = subject.caption(
            "Main effects and two-way interactions",
            "Bars: simultaneous 95 % intervals; at the right p, adjusted by Holm over all "
            f"{len(contrasts)} contrasts; blue: below 5 %.{more}",
        )
        panels = {axis_label(contrasts[0].case.unit): rows[:_MOST]}
        for shown in split(panels, context.style):
            yield Drawing(context.item.kind, caption, forest(shown, context.style))


def factorial(study: Study, frames: Frames) -> list[Contrast]:
    """Return each level against the first of its factor, and how that differs between others'.

    What a contrast does not name is averaged, replicate by replicate, so that its t is paired.
    Raises ReportError where no run has the metric.
    """
    claims = [*_main(study.factors), *_interactions(study.factors)]
    runs = measure(None, study, frames)
    cases = [measured_case(claim, runs, {}) for claim in claims]
    raw = [case.evidence.p for case in cases]
    shared = ALPHA / max(1, len(cases))  # so that all intervals hold together
    return [
        Contrast(claim.text, claim.name, case, *case.evidence.limits(shared), p)
        for claim, case, p in zip(claims, cases, holm(raw), strict=True)
    ]


def _main(factors: Sequence[Factor]) -> Iterator[Effect]:
    for factor in factors:
        first, *rest = (level.name for level in factor.levels)
        for level in rest:
            yield Effect(
                name=factor.name, text=f"{level} − {first}", expect="greater",
                compare=(factor.name, level, first),
            )  # fmt: skip


def _interactions(factors: Sequence[Factor]) -> Iterator[Interaction]:
    for a, b in combinations(factors, 2):
        (a0, *a_rest), (b0, *b_rest) = ([level.name for level in f.levels] for f in (a, b))
        for of, at in product(a_rest, b_rest):
            yield Interaction(
                name=f"{a.name} × {b.name}", text=f"({of} − {a0}) at {at} − at {b0}",
                expect="greater", compare=(a.name, of, a0), interaction=(b.name, at, b0),
            )  # fmt: skip


def print_contrasts(contrasts: Sequence[Contrast], study: Study) -> PrintedTable:
    """Return the table as it is printed."""
    unit = contrasts[0].case.unit
    rows = []
    for c in contrasts:
        found = c.case.evidence
        effect = "–" if found.effect is None else with_interval(found.effect, c.low, c.high)
        p = "–" if found.test == "none" else p_text(c.p)
        lost = sum(c.case.not_converged)
        shares = f"{lost}/{sum(c.case.runs)}" if lost else ""
        rows.append((c.name, tuple(map(Entry, (c.about, effect, p, shares)))))
    return PrintedTable(
        title=f"Main effects and two-way interactions in {study.metric.title}.",
        corner="contrast",
        columns=(
            "of", f"effect{f' ({unit})' if unit else ''}, simultaneous 95 % interval",
            "p (Holm)", "n/c",
        ),
        rows=tuple(rows),
        caption=(
            "Each level against the first of its factor, and how that difference changes from "
            f"the first level of another; the rest averaged, {study.replicates} replicates paired. "
            f"Adjusted over all {len(contrasts)} contrasts; no verdicts. Where runs are n/c the "
            "effect is that of pairs that converged in both, and p weighs it with who lost fewer "
            "runs.",
        ),
    )  # fmt: skip


def contrasts_csv(contrasts: Sequence[Contrast]) -> str:
    """Return one line per contrast, floats unrounded."""
    header = [
        "of", "contrast", "effect", "low", "high", "p_holm", "test", "n", "not_converged", "runs",
    ]  # fmt: skip
    lines = [
        [c.about, c.name, c.case.evidence.effect, c.low, c.high, c.p, c.case.evidence.test,
         c.case.evidence.n_effect, sum(c.case.not_converged), sum(c.case.runs)]
        for c in contrasts
    ]  # fmt: skip
    return csv_text(header, lines)


def contrast_rows(contrasts: Sequence[Contrast]) -> list[Row]:
    """Return what is drawn of each contrast that has an interval."""
    return [
        Row(
            f"{c.about}: {c.name}", c.case.evidence.effect, c.low, c.high,
            SHOWN if c.p <= ALPHA else NEUTRAL, p_is(c.p),
        )
        for c in contrasts
        if c.case.evidence.effect is not None and c.low is not None
    ]  # fmt: skip
