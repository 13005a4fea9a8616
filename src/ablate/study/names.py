"""What studies are called, and levels that are given as bare values."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ablate.config.target import TARGET
from ablate.errors import ConfigError

#: Study names that are no study files: one cell, and a multirun of swept keys.
SINGLE, ADHOC = "run", "adhoc"
#: File systems take names of 255 bytes; some of ours carry a suffix.
_LONGEST = 100
#: What `reports/` has beside the folders of studies, in lower case as some file systems see it.
_TAKEN = ("readme.md", "index.html")


def check_study_name(name: str, where: str) -> None:
    """Raise ConfigError unless `runs/` and `reports/` can have a folder of this name.

    A name that begins with a dot would be hidden there, or lead elsewhere; one that begins with a
    dash would be an option. `where` opens the sentence.
    """
    if not re.fullmatch(r"[\w+][\w.+-]*", name):
        raise ConfigError(
            f"{where} is not allowed: use letters, digits, and the signs . _ + -, of which neither "
            "dot nor dash is the first."
        )
    if len(name.encode()) > _LONGEST:
        raise ConfigError(f"{where} is not allowed: it must have at most {_LONGEST} letters.")
    if name.lower() in (SINGLE, ADHOC, *_TAKEN):
        raise ConfigError(
            f"{where} is not allowed: '{name}' is taken, by runs without a study file or by a page."
        )


def shortened(name: str) -> str:
    """Return a name as it is, or the beginning of one that is too long and a digest of it all."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 13].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def level_name(value: Any) -> str:
    """Return the name that a bare value gets as a level: `0.1`, `true`, `relu`."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, float):
        # Six digits, or all where six are another number: names tell levels apart.
        return text if float(text := f"{value:g}") == value else repr(float(value))
    if isinstance(value, list | tuple):
        return "-".join(level_name(item) for item in value)
    if isinstance(value, Mapping) and TARGET in value:
        return str(value[TARGET]).rpartition(".")[2]
    return str(value)


def key_label(key: str) -> str:
    """Return what tables and axes call a config key: the last of its words."""
    return key.rpartition(".")[2].replace("_", " ")


def named_levels(value: Any) -> tuple[str, ...]:
    """Return the names of one level or of several, as a rule gives them."""
    return tuple(level_name(one) for one in (value if isinstance(value, list | tuple) else [value]))
