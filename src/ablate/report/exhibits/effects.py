"""The effects of a study's claims, one below the other."""

from collections.abc import Iterable, Iterator

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing
from ablate.report.figures.forest import DENIED, SHOWN, Row, axis_label, forest, split
from ablate.report.figures.style import NEUTRAL
from ablate.report.verdicts import Verdict

_INKS = {"supported": SHOWN, "refuted": DENIED}
#: On which sides of zero the margin of a claim lies, where not above it.
_SIDES = {"equal": (-1, 1), "follows": (-1, 1), "less": (-1,)}


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the effect of every claim that has one; claims of one unit share a panel."""
    panels = effects(context.verdicts)
    looks = context.study.looks
    counts = "at the look of each" if looks else f"{context.study.replicates} replicates per cell"
    caption = (
        f"Effects of the claims with their simultaneous 95 % intervals, {counts}; grey strokes: "
        "the margin of each."
    )
    for shown in split(panels, context.style) if panels else ():
        yield Drawing("effects", caption, forest(shown, context.style))


def effects(verdicts: Iterable[Verdict]) -> dict[str, list[Row]]:
    """Return a row per claim that has an interval, by the label of its axis."""
    panels: dict[str, list[Row]] = {}
    for verdict in verdicts:
        effect, low, high = verdict.evidence.effect, verdict.low, verdict.high
        if effect is None or low is None or high is None:
            continue
        scale = 100 if verdict.unit == "share" else 1
        row = Row(
            verdict.claim.name, scale * effect, scale * low, scale * high,
            _INKS.get(verdict.outcome, NEUTRAL), verdict.outcome,
            tuple(scale * side * verdict.margin for side in _SIDES.get(verdict.claim.expect, (1,))),
        )  # fmt: skip
        panels.setdefault(axis_label(verdict.unit), []).append(row)
    return panels
