"""Finding a run by its place, or by the first digits of its key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import ConfigError, nearest
from ablate.store.cell import LedgerCell
from ablate.store.index import read_index
from ablate.store.ledger import run_directory
from ablate.store.state import state, studies

_LEAST_DIGITS = 6


@dataclass(frozen=True)
class Place:
    """A run of a study, whether it has been trained or not."""

    study: str
    cell: LedgerCell
    replicate: int
    directory: Path

    @property
    def expected(self) -> str | None:
        """The key that the study asks of it."""
        return self.cell.expected(self.replicate)


def find_run(root: Path, text: str) -> Place:
    """Return the run that `study/cell/replicate` or the first digits of a key name.

    The beginning of a cell's name is enough where it fits one cell. Raises ConfigError where no
    run fits, or several do.
    """
    words = text.strip("/").removeprefix("runs/").split("/")
    if len(words) == 3:
        return _by_place(root, *words)
    if len(words) > 1 or len(text) < _LEAST_DIGITS:
        raise ConfigError(
            f"'{text}' names no run: write study/cell/replicate, or at least {_LEAST_DIGITS} "
            "digits of its key."
        )
    found = [
        place
        for study in studies(root)
        for cell in read_index(root, study) or ()
        for place in (_place(root, study, cell, number) for number in range(cell.replicates))
        if _has_key(place, text)
    ]
    if len(found) != 1:
        what = "no run has" if not found else f"{len(found)} runs have"
        raise ConfigError(f"{what} a key that begins with {text}.")
    return found[0]


def cell_that_begins(study: str, name: str, slugs: Sequence[str]) -> str:
    """Return the one folder's name that is `name` or begins with it; raises ConfigError."""
    fitting = [name] if name in slugs else [slug for slug in slugs if slug.startswith(name)]
    if len(fitting) != 1:
        raise ConfigError(
            f"{len(fitting) or 'no'} cells of study '{study}' begin with '{name}'."
            f"{nearest(name, slugs)}"
        )
    return fitting[0]


def _by_place(root: Path, study: str, name: str, number: str) -> Place:
    cells = read_index(root, study)
    if cells is None:
        raise ConfigError(f"study '{study}' has no runs here.")
    whole = [cell for cell in cells if cell.name == name]
    by_slug = {cell.slug: cell for cell in cells}
    cell = whole[0] if whole else by_slug[cell_that_begins(study, name, list(by_slug))]
    if not number.isdecimal() or len(number) > 9 or int(number) >= cell.replicates:
        raise ConfigError(
            f"study '{study}' has no replicate {number}; allowed are 0 to {cell.replicates - 1}."
        )
    return _place(root, study, cell, int(number))


def _place(root: Path, study: str, cell: LedgerCell, replicate: int) -> Place:
    return Place(study, cell, replicate, run_directory(root, study, cell.slug, replicate))


def _has_key(place: Place, digits: str) -> bool:
    _, result = state(place.directory, place.expected)
    keys = (place.expected, result.key if result else None)
    return any(key is not None and key.startswith(digits) for key in keys)
