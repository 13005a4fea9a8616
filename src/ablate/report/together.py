"""The pieces of a report, made by this process and its helpers.

Whoever makes a piece's folder makes the piece, so that all are busy until none is left. What a
helper owes, because it failed or was ended, is made here, where errors are told.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from ablate.report.context import Tabulated
from ablate.report.frame import stored_frames
from ablate.report.judged import Judged, judged
from ablate.report.manifest import FigureFiles
from ablate.report.pieces import Made, make, pieces_of
from ablate.study.lockfile import Locked


def make_all(
    locked: Locked, found: Judged, directory: Path, pictures: Path | None,
    helpers: Sequence[Connection],
) -> Iterator[Tabulated | FigureFiles | str]:  # fmt: skip
    """Yield what a report consists of, in its order; its figures lie in `directory`.

    found     of the frames that lie in `directory`, where there are helpers
    pictures  see `ablate.report.pieces.make`
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for helper in helpers:
            with suppress(OSError):  # it was ended
                helper.send((locked, directory, folder, pictures))
        made = dict(_share(locked, found, directory, folder, pictures))
        for helper in helpers:
            with suppress(EOFError, OSError):
                made |= helper.recv()
        taken: set[str] = set()
        for number, piece in enumerate(pieces_of(locked)):
            place, ours = folder / f"{number}", made.get(number)
            if ours is None or _stems(ours) & taken:
                ours = make(piece, locked, found, directory, place, taken, pictures)
            taken |= _stems(ours)
            for one in ours:
                yield one.moved(directory) if isinstance(one, FigureFiles) else one


def help_with(
    locked: Locked, directory: Path, folder: Path, pictures: Path | None
) -> dict[int, Made]:
    """Return what a share of the pieces makes, by number, figures in a folder each of `folder`."""
    made: dict[int, Made] = {}
    with suppress(Exception):  # it is told where the piece is made once more
        found = judged(locked, stored_frames(directory))
        for number, own in _share(locked, found, directory, folder, pictures):
            made[number] = own
    return made


def _share(
    locked: Locked, found: Judged, directory: Path, folder: Path, pictures: Path | None
) -> Iterator[tuple[int, Made]]:
    """Yield the pieces that no other process has begun, made, each with its number."""
    for number, piece in enumerate(pieces_of(locked)):
        place = folder / f"{number}"
        try:
            place.mkdir()
        except FileExistsError:
            continue
        yield number, make(piece, locked, found, directory, place, (), pictures)


def _stems(made: Made) -> set[str]:
    return {one.name.lower() for one in made if isinstance(one, FigureFiles)}
