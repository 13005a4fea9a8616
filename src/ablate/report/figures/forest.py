"""Effects of claims with their intervals: a forest plot, a panel per unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from ablate.report.claims import Verdict
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.style import NEUTRAL, SMALL, TWO_COLUMNS, style, text_width
from ablate.study.schema import Study

_ROW = 0.24  # inches
_INKS = {"supported": "#0173b2", "refuted": "#d55e00"}


def effects(verdicts: Sequence[Verdict], study: Study) -> Iterator[Drawing]:
    """Draw the effect of every claim that has one; claims of one unit share a figure."""
    shown = [v for v in verdicts if v.evidence.effect is not None and v.low is not None]
    units = list(dict.fromkeys(v.unit for v in shown))
    for number, unit in enumerate(units):
        with style():
            yield _draw([v for v in shown if v.unit == unit], unit, study, number)


def _draw(verdicts: Sequence[Verdict], unit: str, study: Study, number: int) -> Drawing:
    names = [verdict.claim.name for verdict in verdicts]
    left = 0.15 + max(text_width(name) for name in names)
    right = 0.2 + max(text_width(verdict.outcome) for verdict in verdicts)
    margins = Margins(left=left, right=right, top=0.08, bottom=0.38)
    figure, axes = page(1, 1, TWO_COLUMNS * 0.75, _ROW * len(verdicts) + 0.1, margins)
    axis: Axes = axes[0, 0]
    scale = 100 if unit == "share" else 1
    for row, verdict in enumerate(verdicts):
        effect, low, high = verdict.evidence.effect, verdict.low, verdict.high
        assert effect is not None
        assert low is not None
        assert high is not None
        ink = _INKS.get(verdict.outcome, NEUTRAL)
        axis.plot(scale * np.array([low, high]), [row, row], color=ink, lw=1.1)
        axis.plot([scale * effect], [row], "o", color=ink, ms=3.8)
        for mark in _marks(verdict):
            axis.plot([scale * mark] * 2, [row - 0.3, row + 0.3], color="#777777", lw=0.8)
        axis.annotate(
            verdict.outcome, (1.02, row), xycoords=("axes fraction", "data"), va="center",
            fontsize=SMALL,
        )  # fmt: skip
    axis.axvline(0, color="#bbbbbb", lw=0.6, zorder=0)
    axis.set_ylim(len(verdicts) - 0.5, -0.5)
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(f"effect ({'%' if unit == 'share' else unit})" if unit else "effect")
    caption = (
        "Effects of the claims with their simultaneous 95 % intervals, "
        f"{study.replicates} replicates per cell; grey strokes: the margin of each."
    )
    return Drawing(f"effects-{number + 1}" if number else "effects", caption, figure)


def _marks(verdict: Verdict) -> tuple[float, ...]:
    margin = verdict.margin
    match verdict.claim.expect:
        case "equal" | "follows":
            return -margin, margin
        case "less":
            return (-margin,)
        case _:
            return (margin,)
