"""The gap between training and test set as columns of the runs, beside what was measured."""

from dataclasses import replace

import pandas as pd

from ablate.metrics import GAP, SCORES
from ablate.report.frame import Frames


def frames_with_gaps(frames: Frames) -> Frames:
    """Return the frames with the gaps in `runs`, and in those that tuned something."""
    both = {"runs": runs_with_gaps(frames.runs), "tuning": runs_with_gaps(frames.tuning)}
    return replace(frames, **both)


def runs_with_gaps(runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs with a column `gap/SCORE` for each score that they have of both sets.

    It is what `ablate.metrics.with_gaps` says of a run: fractions and nats, NaN where one of the
    two is. It is derived after reading and never written, so files and digests stay as they are.
    """
    pairs = {f"{GAP}/{score}": (f"train/{score}", f"test/{score}") for score in SCORES}
    gaps = {
        gap: runs[train] - runs[test]
        for gap, (train, test) in pairs.items()
        if gap not in runs and {train, test} <= set(runs)
    }
    return runs.assign(**gaps)
