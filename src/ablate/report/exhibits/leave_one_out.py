"""Levels one below the other, each a system that lacks one component."""

from collections.abc import Iterator

from ablate.report.context import Context
from ablate.report.exhibits.ladder import differences
from ablate.report.figures.canvas import Drawing


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw each level's mean and its difference to the first level, the full system.

    Raises ReportError as `ablate.report.exhibits.ladder.exhibits`.
    """
    return differences(context, to_first=True)
