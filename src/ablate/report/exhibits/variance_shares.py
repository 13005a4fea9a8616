"""How much each source of randomness makes replicates differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matplotlib.axes import Axes

from ablate.report.context import Context, Tabulated
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.select import subjects
from ablate.report.figures.style import NEUTRAL, SMALL, TWO_COLUMNS, text_width
from ablate.report.shares import Shares, print_shares, shares, shares_csv
from ablate.study.items import VarianceShares

_ROW = 0.23  # inches


def exhibits(context: Context) -> Iterator[Tabulated | Drawing]:
    """Yield the table of all sources and a drawing of it."""
    assert isinstance(context.item, VarianceShares)
    found = shares(context.item, context.study, context.frames)
    yield Tabulated(print_shares(found), {"": shares_csv(found)})
    yield _draw(context, found)


def _draw(context: Context, found: Shares) -> Drawing:
    """Draw the standard deviation between replicates of each source, its share at the right."""
    # Of all settings of the rest, which are averaged, and so in no caption.
    subject = replace(
        next(subjects(context, "lines")), fixed={},
        runs=context.frames.runs[context.frames.runs["status"] != "failed"],
    )  # fmt: skip
    texts = [f"{100 * (row.share[0] if row.share else 1):.0f} %" for row in found.rows]
    heading = f"of the variance of {found.whole}"
    left = 0.15 + max(text_width(row.level) for row in found.rows)
    right = 0.2 + max(text_width(text) for text in [*texts, heading])
    margins = Margins(left=left, right=right, top=0.22, bottom=0.38)
    figure, axes = page(1, 1, TWO_COLUMNS * 0.6, _ROW * len(found.rows), margins)
    axis: Axes = axes[0, 0]
    for place, (row, text) in enumerate(zip(found.rows, texts, strict=True)):
        value, low, high = row.deviation
        if low is not None and high is not None:
            axis.plot([low, high], [place, place], color=NEUTRAL, lw=1.1)
        axis.plot([value], [place], "o", color=NEUTRAL, ms=3.8, clip_on=False)
        axis.annotate(
            text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL
        )
    axis.annotate(
        heading, (1.02, 1.0), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points",
        fontsize=SMALL,
    )  # fmt: skip
    axis.set_xlim(left=0)
    axis.set_ylim(len(found.rows) - 0.5, -0.5)
    axis.set_yticks(range(len(found.rows)), [row.level for row in found.rows])
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", lw=0.3, color="#cccccc")
    axis.set_axisbelow(True)
    unit = f" ({found.unit})" if found.unit else ""
    axis.set_xlabel(f"standard deviation between replicates{unit}")
    spread = (
        f"Circles: standard deviation between replicates, of variances averaged over "
        f"{found.settings} settings; bars: 95 % jackknife intervals."
    )
    what = f"{context.study.metric.title} by {found.factor.label}"
    caption = subject.caption(f"Noise of {what}", spread)
    return Drawing(context.item.kind, caption, figure)
