"""How much each source of randomness makes replicates differ."""

from collections.abc import Iterator
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.context import Context, Tabulated
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.forest import Row, draw_rows, head_notes
from ablate.report.figures.select import subjects
from ablate.report.figures.style import NEUTRAL, text_width
from ablate.report.shares import Share, Shares, print_shares, shares, shares_csv
from ablate.report.sizes import Style
from ablate.study.items import VarianceShares

_ROW = 0.23  # inches


def exhibits(context: Context) -> Iterator[Tabulated | Drawing]:
    """Yield the table of all sources and a drawing of it."""
    assert isinstance(context.item, VarianceShares)
    found = shares(context.item, context.study, context.frames)
    yield Tabulated(print_shares(found), {"": shares_csv(found)})
    # Of all settings of the rest, which are averaged, and so in no caption.
    runs = context.frames.runs
    runs = runs[runs["status"] != "failed"]
    caption = replace(next(subjects(context, "lines")), fixed={}, runs=runs).caption(
        f"Noise of {context.study.metric.title} by {found.factor.label}",
        f"Circles: standard deviation between replicates, of variances averaged over "
        f"{found.settings} settings; bars: 95 % jackknife intervals.",
    )
    yield Drawing(context.item.kind, caption, _draw(found, context.style))


def deviations(found: Shares) -> list[Row]:
    """Return the standard deviation between replicates of each source, its share as the note."""
    return [Row(row.level, *row.deviation, NEUTRAL, _percent(row)) for row in found.rows]


def _percent(row: Share) -> str:
    share = row.share[0] if row.share else 1.0
    return f"{100 * share:.0f} %" if share == share else "–"


def _draw(found: Shares, style: Style) -> Figure:
    rows = deviations(found)
    heading = f"of the variance of {found.whole}"
    left = 0.15 + max(text_width(row.name, style.small) for row in rows)
    right = 0.2 + max(
        text_width(text, style.small) for text in [*(row.note for row in rows), heading]
    )
    figure, axes = page(
        style, [_ROW * len(rows)], 1, style.share(0.6), Margins(left=left, right=right, top=0.22)
    )
    axis: Axes = axes[0, 0]
    unit = f" ({found.unit})" if found.unit else ""
    draw_rows(axis, rows, f"standard deviation between replicates{unit}", style)
    head_notes(axis, heading, style)
    axis.set_xlim(left=0)
    return figure
