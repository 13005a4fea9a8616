"""Between two looks of a sweep: which claims are still open, and which runs would tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.metrics import Probed, StepsTo
from ablate.report.judged import judged
from ablate.report.ledger_frames import frames, runs_of
from ablate.store.index import read_index
from ablate.study.lockfile import read_lock


@dataclass(frozen=True)
class Deciding:
    """What the runs of a study with looks leave open.

    claims  how many there are, `open` how many of them go on
    wanted  by cell, as the ledger calls it, the replicates that an open claim needs next
    """

    claims: int
    open: int
    wanted: Mapping[str, int]


def deciding(root: Path, study: str) -> Deciding:
    """Judge the claims of a study whose runs are in the ledger, as its report would."""
    locked, cells = read_lock(root / "runs" / study), read_index(root, study)
    assert locked is not None
    assert cells is not None
    read = {"tuning"}
    for claim in locked.study.claims:
        read |= {"epochs"} if isinstance(claim.metric, StepsTo) else set()
        read |= {"layers"} if isinstance(claim.metric, Probed) else set()
    verdicts = judged(locked, frames(root, study, runs_of(root, study, cells), read)).verdicts
    wanted: dict[str, int] = {}
    further = [(one, one.look.next) for one in verdicts if one.look and one.look.next]
    for verdict, number in further:
        for cell in {name for arm in verdict.arms for name in arm.cells}:
            wanted[cell] = max(number, wanted.get(cell, 0))
    return Deciding(len(verdicts), len(further), wanted)
