"""Two panels: the time of a run in whole sweeps, and how it falls as a sweep grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import seaborn
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ablate.report.figures.style import NEUTRAL, style
from ablate.report.sizes import PAPER

from .growth import Growth, growth_cases
from .sweeps import JAX, LIMIT, OURS, PEERS, Case, Row

#: The others are as many runs, cut another way.
_BY_RUNS = growth_cases([1, 10, 100, 1000], whole=False)
_SHORT = {
    LIMIT: ("products alone", "|"),
    OURS: ("ablate", "o"),
    JAX: ("JAX vmap", "v"),
    PEERS["by_hand"]: ("by hand", "s"),
    PEERS["lightning"]: ("Lightning", "D"),
    PEERS["plain"]: ("per-sample", "^"),
}


def draw(
    measured: Sequence[tuple[Case, Sequence[Row]]], growth: Sequence[Growth], path: Path
) -> None:
    """Write the figure to `path`; its suffix says how."""
    with style():
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(PAPER.two_columns, 0.9 + 0.38 * len(measured)), width_ratios=(1.6, 1),
            layout="constrained",
        )  # fmt: skip
        _sweeps(left, measured)
        _growth(right, growth)
        figure.legend(
            loc="outside upper left", ncols=len(_SHORT), columnspacing=1.2, handletextpad=0.2
        )
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        plt.close(figure)


def _sweeps(axes: Axes, measured: Sequence[tuple[Case, Sequence[Row]]]) -> None:
    colours = seaborn.color_palette("colorblind", len(_SHORT))
    for y, (_, rows) in enumerate(measured):
        axes.axhline(y, color="0.9", linewidth=0.6, zorder=0)
        for row in rows:
            place = list(_SHORT).index(row.name)
            label, marker = _SHORT[row.name]
            colour = NEUTRAL if row.name == LIMIT else colours[place]
            axes.plot([row.ratio.low, row.ratio.high], [y, y], color=colour, linewidth=1)
            axes.plot(
                row.ratio.median, y, marker, color=colour, markersize=7 if marker == "|" else 4,
                label=label if y == 0 else None,
            )  # fmt: skip
    axes.set_yticks(range(len(measured)), [_name(case) for case, _ in measured])
    axes.set_ylim(len(measured) - 0.5, -0.5)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("time of a run (× ablate)")


def _growth(axes: Axes, growth: Sequence[Growth]) -> None:
    small = [row for row in growth if row.case in _BY_RUNS]
    axes.loglog(
        [row.runs for row in small], [row.seconds / row.runs for row in small], "o-",
        color=seaborn.color_palette("colorblind", 2)[1],
    )  # fmt: skip
    for row in small:
        axes.annotate(
            f"{row.seconds / row.runs:.2g}", (row.runs, row.seconds / row.runs),
            textcoords="offset points", xytext=(3, 3),
        )  # fmt: skip
    axes.set_xlabel("runs of the sweep")
    axes.set_ylabel("seconds a run")


def _name(case: Case) -> str:
    epochs = "1 epoch" if case.epochs == 1 else f"{case.epochs} epochs"
    fresh = ", peers a process each" if case.fresh else ""
    return f"{case.net.title}\n{epochs} of {case.train_size:,}{fresh}"
