"""What another member of an ensemble buys, and what the law of averages says it should."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.errors import ConfigError
from ablate.report.context import Context
from ablate.report.figures.canvas import (
    Drawing,
    Legend,
    Margins,
    level_handle,
    page,
    panel_title,
)
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import NEUTRAL, TWO_COLUMNS
from ablate.stats import t_half_width

_PANELS = (("test/brier", "Brier score", 1.0), ("test/accuracy", "error (%)", 100.0))


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw Brier score and error against the number of members, and the predicted Brier score.

    The law: with v and c of two members, k of them reach v/k + (k - 1) c/k (`brier_law`).
    """
    for subject in subjects(context, "x", "lines", numeric_first=True):
        factor = subject.roles["x"]
        if factor is None or any("ensemble.size" not in lv.overrides for lv in factor.levels):
            raise ConfigError(
                "report: ensemble_curve needs a factor whose levels set ensemble.size; name it "
                "as its x."
            )
        yield _draw(subject)


def predicted_brier(runs: pd.DataFrame, sizes: np.ndarray) -> np.ndarray | None:
    """Return the Brier score that the law predicts from runs of two members, mean over them.

    runs   those of size 2: `members/brier` is v, `members/covariance` is c

    None where the law does not hold for those two, as for votes: it is about averages.
    """
    known = runs[runs["status"] == "done"]
    if "members/covariance" not in known or not len(known):
        return None
    v = known["members/brier"].to_numpy(float)[:, None]
    c = known["members/covariance"].to_numpy(float)[:, None]
    if not np.allclose((v + c) / 2, known["test/brier"].to_numpy(float)[:, None], rtol=1e-6):
        return None
    return np.asarray((v / sizes + (sizes - 1) * c / sizes).mean(axis=0))


def _draw(subject: Subject) -> Drawing:
    lines, line_factor = subject.levels("lines"), subject.roles["lines"]
    sizes = {level.name: int(level.overrides["ensemble.size"]) for level in subject.levels("x")}
    handles = [
        level_handle(subject.look(line_factor, line), line.name, "marker")
        for line in lines
        if line_factor
    ]
    x_of = subject.runs[f"factor:{_name(subject)}"].map(sizes)
    has_law = predicted_brier(subject.runs[x_of == 2], np.array([2])) is not None
    if has_law:
        handles.append(Line2D([], [], color=NEUTRAL, ls="--", label="law, from two members"))
    has_plain = "plain/accuracy" in subject.runs and subject.runs["plain/accuracy"].notna().any()
    if has_plain:
        handles.append(Line2D([], [], color=NEUTRAL, ls=":", label="the network by itself"))
    margins = Margins(left=0.55, top=0.2, across=0.6)
    legend = Legend(line_factor.label if line_factor else "", handles) if handles else None
    figure, axes = page(1, 2, TWO_COLUMNS, 1.9, margins, legend)
    for axis, (column, label, scale) in zip(axes[0], _PANELS, strict=True):
        for index, line in enumerate(lines):
            look = subject.look(line_factor, line) if line_factor else None
            color, marker = (look.color, look.marker) if look else (NEUTRAL, "o")
            runs = subject.where(subject.runs, lines=line)
            runs = runs.assign(size=runs[f"factor:{_name(subject)}"].map(sizes))
            _measured(axis, runs, column, scale, color, marker, index, len(lines))
            x = np.arange(1, max(sizes.values()) + 1)
            law = predicted_brier(runs[runs["size"] == 2], x) if has_law else None
            if law is not None and column == "test/brier":
                axis.plot(x, law, color=color, ls="--", lw=0.9)
            if has_plain:
                _plain(axis, runs, column, scale, color)
        axis.set_xlabel(_label(subject))
        axis.set_ylabel(label)
        panel_title(axis, f"{label.split(' (')[0]} on the test set")
        if _is_log(subject):
            axis.set_xscale("log")
        axis.set_xticks(sorted(sizes.values()), [str(size) for size in sorted(sizes.values())])
        axis.minorticks_off()
    spread = "Markers: mean over replicates with its 95 % t interval."
    if has_law:
        spread += (
            " Dashed: v/k + (k − 1) c/k with v and c of the first two members, an identity for "
            "the averaged probabilities of those two."
        )
    if has_plain:
        spread += " Dotted: the same network predicting by itself."
    caption = subject.caption("Brier score and error against the number of members", spread)
    return Drawing(subject.name, caption, figure)


def _measured(
    axis: Axes, runs: pd.DataFrame, column: str, scale: float, color: str, marker: str,
    index: int, count: int,
) -> None:  # fmt: skip
    shift = 1 + 0.03 * (index - (count - 1) / 2)  # side by side, so that none hides another
    points = []
    for size, group in runs[runs["status"] == "done"].groupby("size"):
        values = scale * group[column].to_numpy(float)
        values = 100 - values if column == "test/accuracy" else values
        points.append((float(size) * shift, values.mean(), t_half_width(values) or 0.0))  # type: ignore[arg-type]
    if points:
        x, mean, half = (np.array(part) for part in zip(*points, strict=True))
        axis.errorbar(
            x, mean, half, color=color, marker=marker, lw=0.9, elinewidth=0.9, capsize=1.5, ms=3.2
        )


def _plain(axis: Axes, runs: pd.DataFrame, column: str, scale: float, color: str) -> None:
    values = scale * runs[column.replace("test/", "plain/")].dropna().to_numpy(float)
    if len(values):
        mean = 100 - values.mean() if column == "test/accuracy" else values.mean()
        axis.axhline(mean, color=color, ls=":", lw=0.9)


def _name(subject: Subject) -> str:
    factor = subject.roles["x"]
    assert factor is not None
    return factor.name


def _label(subject: Subject) -> str:
    factor = subject.roles["x"]
    assert factor is not None
    return factor.label


def _is_log(subject: Subject) -> bool:
    factor = subject.roles["x"]
    return factor is not None and factor.axis == "log"
