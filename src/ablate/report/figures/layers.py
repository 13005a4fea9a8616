"""What figures of a network's layers share: medians with ranges, theory, pages of levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from ablate.lessons.signal import theory
from ablate.report.figures.select import Subject
from ablate.study.schema import Level

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """Medians over replicates with the lowest and the highest, each (K,), at positions x (K,)."""

    x: Floats
    middle: Floats
    low: Floats
    high: Floats


def band(rows: pd.DataFrame, x: str, y: str = "std") -> Band:
    """Return the band of column `y` over column `x`, of what can stand on a log axis."""
    positive = rows[np.isfinite(rows[y]) & (rows[y] > 0)]
    groups = positive.groupby(x)[y]
    middle = groups.median()
    return Band(
        middle.index.to_numpy(dtype=float),
        middle.to_numpy(),
        groups.min().to_numpy(),
        groups.max().to_numpy(),
    )


def draw_band(axis: Axes, shown: Band, color: str, **line: Any) -> None:
    """Draw medians as a line, `line` says how, and the range as a shade around it."""
    axis.fill_between(shown.x, shown.low, shown.high, color=color, alpha=0.2, lw=0)
    axis.plot(shown.x, shown.middle, color=color, **line)


def predicted_std(subject: Subject, rows: pd.DataFrame, quantity: str) -> Floats | None:
    """Return the std of each hidden layer (L,) in theory, None where nothing is predicted.

    rows       of one cell at its first step
    quantity   `activation`; or `activation_gradient`, which theory gives relative to the last
               layer: it starts from what is measured there
    """
    config = None if rows.empty else subject.configs.get(rows["cell"].iloc[0])
    predicted = None if config is None else theory(config)
    if predicted is None:
        return None
    if quantity == "activation":
        return predicted.activation_std
    measured = band(rows, "layer").middle
    return predicted.gradient_std * measured[-1] if len(measured) else None


def some_layers(rows: pd.DataFrame, most: int) -> tuple[int, ...]:
    """Return at most `most` layers from the first to the last, evenly spaced."""
    depth = int(rows["layer"].max())
    return tuple(sorted({round(x) for x in np.linspace(1, depth, min(most, depth))}))


def pages_of(
    name: str, levels: Sequence[Level], most: int
) -> Iterator[tuple[str, Sequence[Level]]]:
    """Yield the levels of each page, at most `most`, and its name: numbered if there are more."""
    pages = math.ceil(len(levels) / most)
    size = math.ceil(len(levels) / pages)
    for number in range(pages):
        suffix = f"-{number + 1}" if pages > 1 else ""
        yield name + suffix, levels[number * size : (number + 1) * size]
