"""What another member of an ensemble buys, and what the law of averages says it should."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.metrics import SCORES, Quantity
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, label_outer, page
from ablate.report.figures.marks import marked
from ablate.report.figures.sample import Sample, draw_intervals
from ablate.report.figures.select import Subject, column, converged, subjects
from ablate.report.figures.style import NEUTRAL

#: What the two panels show; the second is what accuracy lacks of all.
_PANELS = (SCORES["brier"], replace(SCORES["accuracy"], label="error"))


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of one panel, as it is shown: errors in percent.

    samples  by number of members, the replicates that converged
    law      what is predicted (M,) for 1 to M members, None where nothing is
    plain    mean of the same networks predicting by themselves, None where there is none
    """

    level: str
    samples: Mapping[int, Sample]
    law: np.ndarray | None
    plain: float | None


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw Brier score and error against the number of members, and the predicted Brier score.

    The law: with v and c of two members, k of them reach v/k + (k - 1) c/k (`brier_law`).
    """
    for subject in subjects(context, "x", "lines", numeric_first=True):
        yield _draw(subject, [curves(subject, score) for score in _PANELS])


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
    sizes = _sizes(subject)
    runs = converged(subject.runs)
    runs = runs.assign(size=runs[column(subject.factor("x"))].map(sizes))
    members = np.arange(1, max(sizes.values()) + 1)
    found = []
    for level in subject.levels("lines"):
        own = subject.where(runs, lines=level)
        samples = {
            size: Sample(tuple(_shown(own[own["size"] == size], "test", score)))
            for size in sorted(set(own["size"]))
        }
        law = predicted_brier(own[own["size"] == 2], members) if score.name == "brier" else None
        alone = _shown(own, "plain", score)
        found.append(Curve(level, samples, law, float(alone.mean()) if len(alone) else None))
    return found


def _shown(runs: pd.DataFrame, split: str, score: Quantity) -> np.ndarray:
    """Return the values of a score, of the runs that have it: error for accuracy."""
    name = f"{split}/{score.name}"
    if name not in runs:
        return np.array([])
    values = score.scale * runs[name].dropna().to_numpy(float)
    return 100 - values if score.name == "accuracy" else values


def _sizes(subject: Subject) -> dict[str, int]:
    return {level.name: int(level.overrides["ensemble.size"]) for level in subject.with_runs("x")}


def _draw(subject: Subject, panels: Sequence[Sequence[Curve]]) -> Drawing:
    more, spread = [], "Markers: mean over replicates with its 95 % t interval."
    curves = [curve for lines in panels for curve in lines]
    if any(curve.law is not None for curve in curves):
        more.append(Line2D([], [], color=NEUTRAL, ls="--", label="law, from two members"))
        spread += (
            " Dashed: v/k + (k − 1) c/k with v and c of the first two members, an identity for "
            "the averaged probabilities of those two."
        )
    if any(curve.plain is not None for curve in curves):
        more.append(Line2D([], [], color=NEUTRAL, ls=":", label="the network by itself"))
        spread += " Dotted: the same network predicting by itself."
    margins, factor = Margins(left=0.55, top=0.2, across=0.6), subject.factor("x")
    figure, axes = page(
        subject.style, [1.9], 2, subject.style.two_columns, margins,
        subject.legend("lines", more=more),
    )  # fmt: skip
    ticks = sorted(_sizes(subject).values())
    for axis, score, lines in zip(axes[0], _PANELS, panels, strict=True):
        _draw_curves(axis, subject, lines)
        axis.set_title(f"{score.label} on the test set", loc="left")
        if factor.axis == "log":
            axis.set_xscale("log")
        axis.set_xticks(ticks, [str(size) for size in ticks])
        axis.minorticks_off()
    label_outer(axes, factor.label, [score.title for score in _PANELS])
    what = "Brier score and error against the number of members"
    return subject.drawing(figure, what, spread)


def _draw_curves(axis: Axes, subject: Subject, lines: Sequence[Curve]) -> None:
    for index, curve in enumerate(lines):
        look, told = subject.ink("lines", curve.level), subject.told(lines=curve.level)
        shift = 1 + 0.03 * (index - (len(lines) - 1) / 2)  # side by side: none hides another
        if curve.samples:
            places = [size * shift for size in curve.samples]
            draw_intervals(axis, places, list(curve.samples.values()), look, told=told)
        if curve.law is not None:
            members = np.arange(1, len(curve.law) + 1)
            marked(axis.plot(members, curve.law, color=look.color, ls="--", lw=0.9), told)
        if curve.plain is not None:
            marked([axis.axhline(curve.plain, color=look.color, ls=":", lw=0.9)], told)
