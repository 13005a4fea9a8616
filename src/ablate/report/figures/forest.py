"""Effects with their intervals, one below the other: of claims, and of factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.factorial import Contrast, factorial
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import Request, subjects
from ablate.report.figures.style import NEUTRAL, SMALL, TWO_COLUMNS, style, text_width
from ablate.report.printed import p_is
from ablate.report.verdicts import Verdict
from ablate.stats import ALPHA
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
    """Draw the effect of every claim that has one; claims of one unit share a panel."""
    panels: dict[str, list[_Row]] = {}
    for verdict in verdicts:
        row = _claim_row(verdict)
        if row is not None:
            panels.setdefault(_label(verdict.unit), []).append(row)
    caption = (
        "Effects of the claims with their simultaneous 95 % intervals, "
        f"{study.replicates} replicates per cell; grey strokes: the margin of each."
    )
    if panels:
        with style():
            yield Drawing("effects", caption, _forest(panels))


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
        figure = _forest({_label(contrasts[0].case.unit): rows[:_MOST]})
        yield Drawing(request.item.kind, caption, figure)


def _forest(panels: Mapping[str, Sequence[_Row]]) -> Figure:
    """Draw effects by the label of their axis, a panel each."""
    everything = [row for rows in panels.values() for row in rows]
    left = 0.15 + max(text_width(row.name) for row in everything)
    right = 0.2 + max(text_width(row.note) for row in everything)
    margins = Margins(left=left, right=right, top=0.08, bottom=0.38, down=0.5)
    heights = [_ROW * len(rows) + 0.1 for rows in panels.values()]
    figure, axes = page(len(panels), 1, TWO_COLUMNS * 0.75, 0.0, margins, heights=heights)
    for axis, (label, rows) in zip(axes[:, 0], panels.items(), strict=True):
        _draw(axis, rows, label)
    return figure


def _draw(axis: Axes, rows: Sequence[_Row], label: str) -> None:
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
    ink = _INKS["supported"] if contrast.p <= ALPHA else NEUTRAL
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
