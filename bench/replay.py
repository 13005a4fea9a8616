"""What looks would have saved: committed studies judged as if they had declared looks.

`python -m bench.replay` reads `reports/*/` and prints, for every study of more than six replicates
with claims, the runs that would have been trained and the verdicts that would have been others.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ablate.report.aa_control import without_control
from ablate.report.frame import Frames, read_frames
from ablate.report.gaps import frames_with_gaps
from ablate.report.verdicts import Verdict, judge
from ablate.study.lockfile import Locked, read_lock

REPORTS = Path(__file__).resolve().parents[1] / "reports"
LOOKS = (6, 8, 10, 15, 20)


@dataclass(frozen=True)
class Replayed:
    """One study with looks: runs it would have had, and pairs of verdicts by claim."""

    study: str
    looks: tuple[int, ...]
    runs: int
    of: int
    verdicts: dict[str, tuple[Verdict, Verdict]]


def replay(locked: Locked, frames: Frames) -> Replayed:
    """Judge a study at looks, reading of each cell only what an open claim asks for."""
    study = locked.study
    configs = {cell.slug: cell.config for cell in locked.cells}
    frames = without_control(frames_with_gaps(frames), configs)
    last = study.replicates
    looks = (*(n for n in LOOKS if n < last), last)
    declared = study.model_copy(update={"looks": looks})
    cells = sorted(set(frames.runs["cell"]))
    asked = dict.fromkeys(cells, looks[0])
    while True:
        verdicts = judge(declared, _of(frames, asked), configs)
        wanted = dict(asked)
        for one in verdicts:
            if one.look and one.look.next:
                for cell in {name for arm in one.arms for name in arm.cells}:
                    wanted[cell] = max(wanted[cell], one.look.next)
        if wanted == asked:
            break
        asked = wanted
    whole = {one.claim.name: one for one in judge(study, frames, configs)}
    pairs = {one.claim.name: (whole[one.claim.name], one) for one in verdicts}
    return Replayed(study.name, looks, sum(asked.values()), len(cells) * last, pairs)


def _of(frames: Frames, asked: dict[str, int]) -> Frames:
    """Return the first replicates of each cell, as many as were asked for."""

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        if not {"cell", "replicate"} <= set(frame) or frame.empty:
            return frame
        return frame[frame["replicate"] < frame["cell"].map(asked)]

    # Tuning runs are replicates of their own, all there before the first look.
    others = {name: kept(frame) for name, frame in vars(frames).items() if name != "tuning"}
    return replace(frames, **others)


def main() -> None:
    totals = [0, 0]
    for folder in sorted(path.parent for path in REPORTS.glob("*/runs.parquet")):
        locked = read_lock(folder)
        if locked is None or not locked.study.claims or locked.study.replicates <= LOOKS[0]:
            continue
        found = replay(locked, read_frames(folder))
        totals = [totals[0] + found.runs, totals[1] + found.of]
        share = 1 - found.runs / found.of
        print(f"{found.study}: {found.looks}: {found.runs} of {found.of} runs, {share:.0%} saved")
        for name, (whole, one) in found.verdicts.items():
            look = f"look {one.look.replicates}" if one.look else "–"
            mark = "" if whole.outcome == one.outcome else "   <- differs"
            print(f"    {name}: {whole.outcome} / {one.outcome} ({look}){mark}")
    print(f"all: {totals[0]} of {totals[1]} runs, {1 - totals[0] / totals[1]:.0%} saved")


if __name__ == "__main__":
    main()
