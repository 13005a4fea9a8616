"""What a report consists of: items of the study, one part of it at a time, and what they make."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import ReportError
from ablate.report.changed import as_exploratory
from ablate.report.circumstances import facts_of
from ablate.report.context import Context, Tabulated
from ablate.report.exhibits import exhibits_of
from ablate.report.judged import Judged
from ablate.report.manifest import FigureFiles
from ablate.report.parts import of_part
from ablate.report.sizes import PAPER, Style
from ablate.study.items import Effects, Item, Table, refused_items
from ablate.study.lockfile import Locked
from ablate.study.names import shortened
from ablate.study.schema import Part

if TYPE_CHECKING:
    from ablate.report.figures.canvas import Drawing

#: What a piece makes: tables, figures that are saved, and sentences on what is missing.
Made = list[Tabulated | FigureFiles | str]


@dataclass(frozen=True)
class Piece:
    """An item, about one part of a study or, without one, all of it.

    refused  why it is not made
    """

    item: Item
    part: Part | None = None
    refused: tuple[str, ...] = ()


def pieces_of(locked: Locked) -> list[Piece]:
    """Return what a report consists of, in its order, the tables of claims left out."""
    study, found = locked.study, list[Piece]()
    # A lock file may be older than what is refused today.
    refused = list(refused_items(study, [c for c in locked.cells if not c.config.control]))
    for item in _items(locked):
        if reasons := tuple(why for one, why in refused if one == item):
            found.append(Piece(item, None, reasons))
        else:
            found += [Piece(item, part) for part in item.parts(study) or (None,)]
    return found


def _items(locked: Locked) -> tuple[Item, ...]:
    """Return what the study asks for, and what every study of its kind gets all the same."""
    study = locked.study
    items = study.report
    kinds = {item.kind for item in items}
    is_trained = facts_of(locked).is_trained
    if study.factors and is_trained and not kinds & {"table", "variance_shares"}:
        items = (Table(), *items)
    return (*items, Effects()) if study.claims and "effects" not in kinds else items


def exhibits(
    piece: Piece, locked: Locked, found: Judged, directory: Path, style: Style = PAPER
) -> Iterator[Tabulated | Drawing | str]:
    """Yield what a piece makes, or a sentence on why it cannot."""
    item, kind = piece.item, piece.item.kind
    if piece.refused:
        yield from (f"{kind} is missing: it {why}." for why in piece.refused)
        return
    suffix, study, frames = "", locked.study, found.frames
    if piece.part is not None:
        suffix, study = piece.part.suffix, study.part(piece.part)
        frames = of_part(piece.part, frames)
    facts, verdicts = facts_of(locked), found.verdicts
    context = Context(item, study, frames, found.configs, facts, verdicts, directory, style)
    try:
        for made in exhibits_of(context):
            if not isinstance(made, Tabulated):
                made = replace(made, name=f"{made.name}{suffix}")
            yield as_exploratory(made) if item in locked.exploratory_items else made
    except ReportError as error:
        yield f"{kind}{suffix} is missing: {error}"


def make(
    piece: Piece, locked: Locked, found: Judged, directory: Path, folder: Path,
    taken: Collection[str], pictures: Path | None,
) -> Made:  # fmt: skip
    """Return what a piece makes, its figures saved in `folder` and not numbered yet.

    directory  of the report, for images that lie there
    taken      what files of others are called, in lower case
    pictures   a folder whose PNG and GIF are taken over instead of being drawn
    """
    made: Made = []
    taken = set(taken)
    for one in exhibits(piece, locked, found, directory):
        if isinstance(one, (Tabulated, str)):
            made.append(one)
        else:
            stem = stem_of(one.name, taken)
            taken.add(stem.lower())
            files = replace(one, name=stem).save(folder, pictures)
            made.append(FigureFiles(stem, 0, one.caption, *files))
    return made


def stem_of(name: str, taken: Collection[str]) -> str:
    """Return what a figure's files are called: short, without signs, and no other's name.

    taken  the names of others in lower case, as some file systems see them
    """
    stem = shortened(re.sub(r"[^\w.+=-]+", "_", name))
    others = (f"{stem}-{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([stem], others) if one.lower() not in taken)
