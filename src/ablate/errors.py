"""Errors that a user can mend, each one plain sentence."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class AblateError(Exception):
    """Base of all errors that the command line prints as one sentence."""


class ConfigError(AblateError):
    """A command, a key or a value is wrong: nothing was started (exit code 2)."""


class DataError(AblateError):
    """A data file is missing, damaged or unreadable: nothing was started (exit code 2)."""


class ReportError(AblateError):
    """The runs cannot give a table or figure after all: the rest of the report is written."""


@contextmanager
def within(where: str) -> Iterator[None]:
    """Say of a ConfigError where it was met: `where` opens its sentence."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the allowed word most like `word`, else ``""``."""
    match = get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""


def one_of(allowed: Iterable[str]) -> str:
    """Return the allowed words as they read in a sentence: ``a, b or c``."""
    *others, last = list(allowed) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last


def check_known(word: object, allowed: Collection[str], sentence: str) -> None:
    """Raise ConfigError for a word that is not allowed; `sentence` goes on with those that are."""
    if word not in allowed:
        raise ConfigError(f"{sentence} {one_of(allowed)}.{nearest(str(word), allowed)}")
