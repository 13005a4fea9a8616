"""The figures of a report: pure functions of the frames, the same bytes every time.

Importing this package costs nothing: matplotlib and seaborn are loaded when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.config import RunConfig
    from ablate.report.figures.canvas import Drawing
    from ablate.report.frame import Frames
    from ablate.report.verdicts import Verdict
    from ablate.study.schema import ReportItem, Study


@dataclass(frozen=True)
class Figure:
    """One figure on disk.

    name     the file's stem, unique within a report
    caption  what is shown, of how many runs, and what band or bar is
    gif      the same as an animation, where there is one
    """

    name: str
    caption: str
    svg: Path
    png: Path
    gif: Path | None = None


def draw(
    item: ReportItem,
    study: Study,
    frames: Frames,
    directory: Path,
    configs: Mapping[str, RunConfig] | None = None,
    suffix: str = "",
) -> list[Figure]:
    """Draw one item of the report into `directory`, as SVG and PNG; an item may be several.

    configs   the config of each cell, by the cell's slug: theory is drawn where it is given
    suffix    of the figures' names, where the same is drawn of several parts of a study

    Raises ConfigError when the study cannot give what the item asks for (a heat map of one
    factor, the learning-rate figure of a study that tunes nothing).
    """
    from ablate.report.figures.kinds import draw_item

    return _saved(draw_item(item, study, frames, configs or {}), directory, suffix)


def draw_effects(verdicts: Sequence[Verdict], study: Study, directory: Path) -> list[Figure]:
    """Draw the effects of a study's claims into `directory`."""
    from ablate.report.figures.forest import effects

    return _saved(effects(verdicts, study), directory)


def _saved(drawings: Iterable[Drawing], directory: Path, suffix: str = "") -> list[Figure]:
    named = [replace(one, name=f"{one.name}{suffix}") for one in drawings]
    return [Figure(one.name, one.caption, *one.save(directory)) for one in named]
