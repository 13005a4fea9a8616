"""A study in parts, one part at a time: everything below draws and counts studies of one part."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ablate.report.columns import level_column
from ablate.report.frame import Frames
from ablate.report.stored import Stored, taken
from ablate.study.items import Item
from ablate.study.names import level_name
from ablate.study.schema import Part, Study


def each_part(item: Item, study: Study, frames: Frames) -> Iterator[tuple[str, Study, Frames]]:
    """Yield what an item is about, by the suffix of its figures: parts, or all of the study."""
    parts = item.parts(study)
    if not parts:
        yield "", study, frames
    for part in parts:
        yield part.suffix, study.part(part), of_part(part, frames)


def of_part(part: Part, frames: Frames) -> Frames:
    """Return the rows of the cells that are in a part: those with a level of all its factors."""
    columns = [level_column(name) for name in part.factors]
    return of_cells(frames, set(frames.runs.loc[frames.runs[columns].notna().all(axis=1), "cell"]))


def tuning_count(study: Study) -> int:
    """Return how many tuning runs of each value are looked at, as if the value were fixed.

    Nested tuning grows with the replicates; of a study with looks it is those of the first, so
    that what they say is judged once.
    """
    nested = study.tune is not None and study.tune.nested
    return study.all_looks[0] if nested else study.tuning_replicates


def tuning_runs(study: Study, frames: Frames) -> tuple[Study, Frames]:
    """Return the runs that tuned a key as those of a study in which it is a factor."""
    tune = study.tune
    assert tune is not None
    factors = (*study.factors, tune.factor)
    fields = {"factors": factors, "tune": None, "replicates": tuning_count(study), "looks": ()}
    columns = ["cell", *(level_column(factor.name) for factor in study.factors)]
    levels = frames.runs[columns].drop_duplicates()
    runs = frames.tuning.merge(levels, on="cell", how="inner")
    runs[level_column(tune.key)] = [level_name(value) for value in runs["value"]]
    return study.model_copy(update=fields), replace(frames, runs=runs)


def of_cells(frames: Frames, cells: set[str]) -> Frames:
    """Return the rows of some cells."""
    kept: dict[str, Any] = {
        name: frame.of_cells(cells) if isinstance(frame, Stored) else taken(frame, cell=cells)
        for name, frame in vars(frames).items()
    }
    return replace(frames, **kept)
