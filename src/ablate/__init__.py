"""Ablation studies for neural-network training: from a declared question to an answer.

Synopsis::

    import ablate

    runs = ablate.load("quickstart")     # one row per run, from ./runs or ./reports
    layers = ablate.load("quickstart", frame="layers")     # what was seen of each layer
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ablate.data import Data, Other
    from ablate.records import Outcome
    from ablate.train.run import Run

__all__ = ["Data", "Other", "Outcome", "Run", "load"]


def load(study: str, root: str | Path = ".", frame: str = "runs") -> pd.DataFrame:
    """Return one row per run of a study: factors, status, metrics, keys, provenance.

    root   the folder that holds `runs/` and `reports/`
    frame  another of the study's frames: `epochs`, a row per evaluation; `layers`, per layer,
           quantity and probed step; `curves`, per run and block of steps; `tuning`, `calibration`,
           `timings`, `pixels`, `examples`, see `ablate.report.frame.Frames`. `cell` and
           `replicate` tell whose each row is

    From the ledger where it is complete, else from the frames of the committed report, which has
    of all but `runs` what its items show. Of the ledger no more is read than the frame needs:
    for `runs` the result of each run, for the others its other files as well. Metrics are
    fractions and nats. Raises ablate.errors.ConfigError where there is neither.
    """
    from ablate.report.regenerate import load_frame

    return load_frame(Path(root).resolve(), study, frame)


def __getattr__(name: str) -> Any:
    # What a user's own functions return and are given; importing it must not cost `--help`.
    rooms = {
        "Data": "ablate.data",
        "Other": "ablate.data",
        "Outcome": "ablate.records",
        "Run": "ablate.train.run",
    }
    if name not in rooms:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(rooms[name]), name)
