"""Effects with their intervals, one below the other: of claims, and of factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.claims import Verdict
from ablate.report.factorial import Contrast, factorial
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import Request, subjects
from ablate.report.figures.style import NEUTRAL, SMALL, TWO_COLUMNS, style, text_width
from ablate.report.printed import p_is
from ablate.study.schema import Study

_ROW = 0.24  # inches
_INKS = {"supported": "#0173b2", "refuted": "#d55e00"}
_MOST = 30  # rows of one figure


@dataclass(frozen=True)
class _Row:
    """One effect.

    note   at the right
    marks  strokes across its line, where the margin lies
    """

    name: str
    effect: float
    low: float
    high: float
    ink: str
    note: str
    marks: tuple[float, ...] = ()


def effects(verdicts: Sequence[Verdict], study: Study) -> Iterator[Drawing]:
    """Draw the effect of every claim that has one; claims of one unit share a figure."""
    rows = [(v.unit, row) for v in verdicts if (row := _claim_row(v)) is not None]
    caption = (
        "Effects of the claims with their simultaneous 95 % intervals, "
        f"{study.replicates} replicates per cell; grey strokes: the margin of each."
    )
    for number, unit in enumerate(dict.fromkeys(unit for unit, _ in rows)):
        with style():
            figure = _forest([row for u, row in rows if u == unit], _label(unit))
        yield Drawing(f"effects-{number + 1}" if number else "effects", caption, figure)


def factor_effects(request: Request) -> Iterator[Drawing]:
    """Draw main effects and two-way interactions of a complete grid.

    Raises ConfigError as `ablate.report.factorial.factorial`.
    """
    contrasts = factorial(request.study, request.frames)
    rows = [row for contrast in contrasts if (row := _contrast_row(contrast)) is not None]
    subject = next(subjects(request, *(factor.name for factor in request.study.factors)))
    more = f" The first {_MOST} of {len(rows)}; the table has all." if len(rows) > _MOST else ""
    caption = subject.caption(
        "Main effects and two-way interactions",
        "Bars: simultaneous 95 % intervals; at the right p, adjusted by Holm over all "
        f"{len(contrasts)} contrasts; blue: below 5 %.{more}",
    )
    if rows:
        figure = _forest(rows[:_MOST], _label(contrasts[0].case.unit))
        yield Drawing(request.item.kind, caption, figure)


def _forest(rows: Sequence[_Row], label: str) -> Figure:
    left = 0.15 + max(text_width(row.name) for row in rows)
    right = 0.2 + max(text_width(row.note) for row in rows)
    margins = Margins(left=left, right=right, top=0.08, bottom=0.38)
    figure, axes = page(1, 1, TWO_COLUMNS * 0.75, _ROW * len(rows) + 0.1, margins)
    axis: Axes = axes[0, 0]
    for place, row in enumerate(rows):
        axis.plot([row.low, row.high], [place, place], color=row.ink, lw=1.1)
        axis.plot([row.effect], [place], "o", color=row.ink, ms=3.8)
        for mark in row.marks:
            axis.plot([mark] * 2, [place - 0.3, place + 0.3], color="#777777", lw=0.8)
        axis.annotate(
            row.note, (1.02, place), xycoords=("axes fraction", "data"), va="center",
            fontsize=SMALL,
        )  # fmt: skip
    axis.axvline(0, color="#bbbbbb", lw=0.6, zorder=0)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [row.name for row in rows])
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(label)
    return figure


def _claim_row(verdict: Verdict) -> _Row | None:
    effect, low, high = verdict.evidence.effect, verdict.low, verdict.high
    if effect is None or low is None or high is None:
        return None
    scale = 100 if verdict.unit == "share" else 1
    margins = tuple(scale * mark for mark in _marks(verdict))
    ink = _INKS.get(verdict.outcome, NEUTRAL)
    return _Row(
        verdict.claim.name, scale * effect, scale * low, scale * high, ink, verdict.outcome, margins
    )


def _contrast_row(contrast: Contrast) -> _Row | None:
    effect = contrast.case.evidence.effect
    if effect is None or contrast.low is None or contrast.high is None:
        return None
    ink = _INKS["supported"] if contrast.p <= 0.05 else NEUTRAL
    name = f"{contrast.about}: {contrast.name}"
    return _Row(name, effect, contrast.low, contrast.high, ink, p_is(contrast.p))


def _label(unit: str) -> str:
    return f"effect ({'%' if unit == 'share' else unit})" if unit else "effect"


def _marks(verdict: Verdict) -> tuple[float, ...]:
    margin = verdict.margin
    match verdict.claim.expect:
        case "equal" | "follows":
            return -margin, margin
        case "less":
            return (-margin,)
        case _:
            return (margin,)
