"""What another member of an ensemble buys, and what the law of averages says it should."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.metrics import SCORES, Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Margins,
    interval,
    page,
    panel_title,
    with_handles,
)
from ablate.report.figures.select import Subject, column, converged, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS
from ablate.stats import t_half_width
from ablate.study.schema import Level

#: What the two panels show; the second is what accuracy lacks of all.
_PANELS = (SCORES["brier"], replace(SCORES["accuracy"], label="error"))


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of one panel, as it is shown: errors in percent.

    sizes  numbers of members (K,) at which a run converged
    means  over the replicates that converged (K,)
    halves half-widths (K,) of their 95 % t intervals, 0 where there is one replicate
    law    what is predicted (M,) for 1 to M members, None where nothing is
    plain  mean of the same networks predicting by themselves, None where there is none
    """

    level: Level
    sizes: np.ndarray
    means: np.ndarray
    halves: np.ndarray
    law: np.ndarray | None
    plain: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw Brier score and error against the number of members, and the predicted Brier score.

    The law: with v and c of two members, k of them reach v/k + (k - 1) c/k (`brier_law`).
    """
    for subject in subjects(context, "x", "lines", numeric_first=True):
        panels = [curves(subject, score) for score in _PANELS]
        yield Drawing(subject.name, _caption(subject, panels), _draw(subject, panels))


def predicted_brier(runs: pd.DataFrame, sizes: np.ndarray) -> np.ndarray | None:
    """Return the Brier score that the law predicts from runs of two members, mean over them.

    runs   those of size 2: `members/brier` is v, `members/covariance` is c

    None where the law does not hold for those two, as for votes: it is about averages.
    """
    known = converged(runs)
    if "members/covariance" not in known or not len(known):
        return None
    v = known["members/brier"].to_numpy(float)[:, None]
    c = known["members/covariance"].to_numpy(float)[:, None]
    if not np.allclose((v + c) / 2, known["test/brier"].to_numpy(float)[:, None], rtol=1e-6):
        return None
    return np.asarray((v / sizes + (sizes - 1) * c / sizes).mean(axis=0))


def curves(subject: Subject, score: Quantity) -> list[Curve]:
    """Return the curve of each level of `lines`."""
    runs = converged(subject.runs)
    sizes = _sizes(subject)
    runs = runs.assign(size=runs[column(subject.factor("x"))].map(sizes))
    members = np.arange(1, max(sizes.values()) + 1)
    found = []
    for level in subject.levels("lines"):
        own = subject.where(runs, lines=level)
        groups = [(size, _shown(group, "test", score)) for size, group in own.groupby("size")]
        law = predicted_brier(own[own["size"] == 2], members) if score.name == "brier" else None
        alone = _shown(own, "plain", score)
        found.append(
            Curve(
                level,
                np.array([size for size, _ in groups]),
                np.array([values.mean() for _, values in groups]),
                np.array([t_half_width(values) or 0.0 for _, values in groups]),
                law,
                float(alone.mean()) if len(alone) else None,
            )
        )
    return found


def _shown(runs: pd.DataFrame, split: str, score: Quantity) -> np.ndarray:
    """Return the values of a score, of the runs that have it: error for accuracy."""
    name = f"{split}/{score.name}"
    if name not in runs:
        return np.array([])
    values = score.scale * runs[name].dropna().to_numpy(float)
    return 100 - values if score.name == "accuracy" else values


def _sizes(subject: Subject) -> dict[str, int]:
    return {level.name: int(level.overrides["ensemble.size"]) for level in subject.levels("x")}


def _draw(subject: Subject, panels: Sequence[Sequence[Curve]]) -> Figure:
    more = []
    if _has_law(panels):
        more.append(Line2D([], [], color=NEUTRAL, ls="--", label="law, from two members"))
    if _has_plain(panels):
        more.append(Line2D([], [], color=NEUTRAL, ls=":", label="the network by itself"))
    legend = with_handles(subject.legend("lines", "marker"), *more)
    margins = Margins(left=0.55, top=0.2, across=0.6)
    figure, axes = page(1, 2, TWO_COLUMNS, 1.9, margins, legend)
    ticks = sorted(_sizes(subject).values())
    for axis, score, lines in zip(axes[0], _PANELS, panels, strict=True):
        _draw_curves(axis, subject, lines)
        axis.set_xlabel(subject.factor("x").label)
        axis.set_ylabel(score.title)
        panel_title(axis, f"{score.label} on the test set")
        if subject.factor("x").axis == "log":
            axis.set_xscale("log")
        axis.set_xticks(ticks, [str(size) for size in ticks])
        axis.minorticks_off()
    return figure


def _draw_curves(axis: Axes, subject: Subject, lines: Sequence[Curve]) -> None:
    for index, curve in enumerate(lines):
        look = subject.ink("lines", curve.level)
        shift = 1 + 0.03 * (index - (len(lines) - 1) / 2)  # side by side: none hides another
        if len(curve.sizes):
            interval(axis, curve.sizes * shift, curve.means, curve.halves, look)
        if curve.law is not None:
            axis.plot(
                np.arange(1, len(curve.law) + 1), curve.law, color=look.color, ls="--", lw=0.9
            )
        if curve.plain is not None:
            axis.axhline(curve.plain, color=look.color, ls=":", lw=0.9)


def _has_law(panels: Sequence[Sequence[Curve]]) -> bool:
    return any(curve.law is not None for lines in panels for curve in lines)


def _has_plain(panels: Sequence[Sequence[Curve]]) -> bool:
    return any(curve.plain is not None for lines in panels for curve in lines)


def _caption(subject: Subject, panels: Sequence[Sequence[Curve]]) -> str:
    spread = "Markers: mean over replicates with its 95 % t interval."
    if _has_law(panels):
        spread += (
            " Dashed: v/k + (k − 1) c/k with v and c of the first two members, an identity for "
            "the averaged probabilities of those two."
        )
    if _has_plain(panels):
        spread += " Dotted: the same network predicting by itself."
    return subject.caption("Brier score and error against the number of members", spread)
