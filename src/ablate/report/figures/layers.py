"""What figures of a network's layers share: theory, which layers, pages of levels."""

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import ReportError
from ablate.lessons.signal import theory
from ablate.report.context import Context
from ablate.report.figures.sample import band
from ablate.report.figures.select import Subject, shown_runs
from ablate.report.stored import taken
from ablate.study.measured import is_probed

Floats = npt.NDArray[np.float64]


def probed(context: Context, columns: Sequence[str] = (), **among: Collection[str]) -> pd.DataFrame:
    """Return what the probe saw in the cells that an item shows; see `ablate.report.stored.taken`.

    columns  those that are wanted; by default all

    Raises ReportError where it was left to training of the user's own, which told nothing.
    """
    runs = shown_runs(context)
    found = taken(context.frames.layers, columns, cell=set(runs["cell"]), **among)
    if found.empty and any(is_probed(config) is None for config in context.configs.values()):
        raise ReportError("no run told of its layers (run.probe in the training procedure).")
    return found


def predicted_std(subject: Subject, rows: pd.DataFrame, quantity: str) -> Floats | None:
    """Return the std of each hidden layer (L,) in theory, None where nothing is predicted.

    rows       of one cell at its first step
    quantity   `activation`; or `activation_gradient`, which theory gives relative to the last
               layer: it starts from what is measured there; of `weight_gradient` it says nothing
    """
    config = None if rows.empty else subject.configs.get(rows["cell"].iloc[0])
    predicted = None if config is None or quantity == "weight_gradient" else theory(config)
    if predicted is None:
        return None
    if quantity == "activation":
        return predicted.activation_std
    measured = band(rows[rows["std"] > 0], "layer", "std")["middle"].to_numpy()
    return predicted.gradient_std * measured[-1] if len(measured) else None


def some_layers(rows: pd.DataFrame, most: int) -> tuple[int, ...]:
    """Return at most `most` layers from the first to the last, evenly spaced."""
    depth = int(rows["layer"].max())
    return tuple(sorted({round(x) for x in np.linspace(1, depth, min(most, depth))}))


def pages_of(name: str, levels: Sequence[str], most: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the levels of each page, at most `most`, and its name: numbered if there are more."""
    pages = math.ceil(len(levels) / most)
    size = math.ceil(len(levels) / pages)
    for number in range(pages):
        suffix = f"-{number + 1}" if pages > 1 else ""
        yield name + suffix, levels[number * size : (number + 1) * size]
