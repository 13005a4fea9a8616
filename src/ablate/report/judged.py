"""From frames as they are read to the verdicts on a study's claims."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.config import RunConfig
from ablate.report.aa_control import without_control
from ablate.report.frame import Frames
from ablate.report.gaps import frames_with_gaps
from ablate.report.verdicts import Verdict, judge
from ablate.study.lockfile import Locked


@dataclass(frozen=True, eq=False)
class Judged:
    """A study's runs with what they say of its claims.

    configs     by cell, the control's among them
    everything  the frames with gaps, the control's runs among them
    frames      those without the control: what tables, figures and verdicts are made of
    """

    configs: Mapping[str, RunConfig]
    everything: Frames
    frames: Frames
    verdicts: tuple[Verdict, ...]


def judged(locked: Locked, frames: Frames) -> Judged:
    """Judge the claims of a study by the frames as `ablate.report.frame` reads them."""
    configs = {cell.slug: cell.config for cell in locked.cells}
    everything = frames_with_gaps(frames)
    shown = without_control(everything, configs)
    verdicts = tuple(judge(locked.study, shown, configs, locked.declarations))
    return Judged(configs, everything, shown, verdicts)
