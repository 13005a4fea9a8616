"""Errors that a user can mend, each one plain sentence."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path


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


def reason(error: object) -> str:
    """Return what an error says; of the system's, neither its number nor its path."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def one_of(allowed: Iterable[str]) -> str:
    """Return the allowed words as they read in a sentence: ``a, b or c``."""
    *others, last = list(allowed) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last


def check_known(word: object, allowed: Collection[str], sentence: str) -> None:
    """Raise ConfigError for a word that is not allowed; `sentence` goes on with those that are."""
    if word not in allowed:
        raise ConfigError(f"{sentence} {one_of(allowed)}.{nearest(str(word), allowed)}")


def check_nesting(text: str, path: Path) -> None:
    """Raise ConfigError for YAML of more than 500 levels: building it, libyaml ends the process."""
    opened = depth = 0
    for bracket in re.finditer(r"[][{}]", text):
        opened = max(opened, depth := depth + (1 if bracket[0] in "[{" else -1))
    if max(opened, *map(len, re.findall(r"(?:[-?] )+", text)), 0) <= 500:
        return
    # Signs of texts count as well, so look again, without building anything.
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > 500:
            raise ConfigError(f"{path} is nested too deeply to be read.")
