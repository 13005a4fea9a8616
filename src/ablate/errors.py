"""Errors that a user can mend, each one plain sentence."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AblateError(Exception):
    """Base of all errors that the command line prints as one sentence."""


class ConfigError(AblateError):
    """A command, a key or a value is wrong: nothing was started (exit code 2)."""


class DataError(AblateError):
    """A data file is missing, damaged or unreadable: nothing was started (exit code 2)."""


class ReportError(AblateError):
    """The runs cannot give a table or figure after all: the rest of the report is written."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the allowed word most like `word`, else ``""``."""
    match = get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""


def unknown_word(said: str, word: str, allowed: Iterable[str]) -> ConfigError:
    """Return the error that goes on with the allowed words and the one most like `word`."""
    words = list(allowed)
    return ConfigError(f"{said} {one_of(words)}.{nearest(word, words)}")


def one_of(allowed: Iterable[str]) -> str:
    """Return the allowed words as they read in a sentence: ``a, b or c``."""
    *others, last = list(allowed) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last
