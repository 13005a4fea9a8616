"""Ablation studies for neural-network training: from a declared question to an answer.

Synopsis::

    import ablate

    runs = ablate.load("quickstart")     # one row per run, from ./runs or ./reports
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ablate.data import Data
    from ablate.records import Outcome

__all__ = ["Data", "Outcome", "load"]


def load(study: str, root: str | Path = ".") -> pd.DataFrame:
    """Return one row per run of a study: factors, status, metrics, keys, provenance.

    root  the folder that holds `runs/` and `reports/`

    From the ledger where it is complete, else from the frames of the committed report. Metrics
    are fractions and nats. Raises ablate.errors.ConfigError where there is neither.
    """
    from ablate.report.regenerate import load_frames

    return load_frames(Path(root).resolve(), study).runs


def __getattr__(name: str) -> Any:
    # What a user's own functions return; importing it must not cost `--help`.
    rooms = {"Data": "ablate.data", "Outcome": "ablate.records"}
    if name not in rooms:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(rooms[name]), name)
