"""Training losses as curves: means over blocks of steps, the same for all runs of a study."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

#: Points of a training curve, at most.
CURVE_POINTS = 120
#: Bytes of losses that stay in memory.
_IN_MEMORY = 2**26
#: Curves that are made at a time.
_AT_ONCE = 2_000


def curve_edges(steps: int) -> np.ndarray:
    """Return the edges of log-spaced blocks that cover steps 0 .. steps-1.

    Blocks are one step long at first and grow by a constant factor; at most `CURVE_POINTS`.
    """
    edges = np.geomspace(1, steps + 1, CURVE_POINTS + 1) - 1
    return np.unique(np.round(edges).astype(np.int64))


class _Run(NamedTuple):
    cell: str
    replicate: int
    kind: np.dtype
    steps: int


class Losses:
    """The losses of runs, in a file until the longest run is known: its blocks are those of all.

    So runs that ended early line up.
    """

    def __init__(self) -> None:
        # No context: whoever makes it closes it.
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._runs: list[_Run] = []

    def add(self, cell: str, replicate: int, loss: np.ndarray) -> None:
        """Add the loss of every step of a run."""
        if len(loss):
            self._file.write(loss.tobytes())
            self._runs.append(_Run(cell, replicate, loss.dtype, len(loss)))

    def curves(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of the frame `curves`, of a few runs at a time."""
        edges = curve_edges(max((run.steps for run in self._runs), default=0))
        self._file.seek(0)
        for first in range(0, len(self._runs), _AT_ONCE):
            runs = self._runs[first : first + _AT_ONCE]
            steps, means = [], []
            for run in runs:
                content = self._file.read(run.kind.itemsize * run.steps)
                step, mean = _blocks(np.frombuffer(content, run.kind), edges)
                steps.append(step)
                means.append(mean)
            counts = [len(step) for step in steps]
            yield pd.DataFrame({
                "cell": np.repeat(np.array([run.cell for run in runs], object), counts),
                "replicate": np.repeat([run.replicate for run in runs], counts),
                "step": np.concatenate(steps),
                "loss": np.concatenate(means),
            })  # fmt: skip

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _blocks(loss: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of a run's blocks and the mean losses there."""
    starts = edges[edges < len(loss)]
    ends = np.minimum(np.append(starts[1:], edges[len(starts)]), len(loss))
    means = np.add.reduceat(loss.astype(np.float64), starts) / (ends - starts)
    return (starts + ends - 1) / 2, means
