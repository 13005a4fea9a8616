"""What an exhibit is made from, and the two things that it can be: a table or a drawing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ablate.config import RunConfig
from ablate.report.circumstances import Facts
from ablate.report.frame import Frames
from ablate.report.printed_table import PrintedTable
from ablate.report.sizes import PAPER, Style
from ablate.report.verdicts import Verdict
from ablate.study.items import Item
from ablate.study.schema import Study


@dataclass(frozen=True, eq=False)
class Context:
    """An item of a report and all that it may be about.

    study      of one part, unless the item is about the whole study
    configs    the config of each cell that is known, by the cell's folder
    facts      the circumstances that captions tell of
    verdicts   of the study's claims
    directory  of the report, for images that lie there
    style      the sizes that figures are drawn in
    """

    item: Item
    study: Study
    frames: Frames
    configs: Mapping[str, RunConfig] = field(default_factory=dict)
    facts: Facts | None = None
    verdicts: tuple[Verdict, ...] = ()
    directory: Path | None = None
    style: Style = PAPER


@dataclass(frozen=True)
class Tabulated:
    """A table that is not yet on disk: as it is printed, and its numbers unrounded.

    csv  the text of a CSV file by what follows the table's name: `-pairs`, or nothing
    """

    printed: PrintedTable
    csv: Mapping[str, str]
