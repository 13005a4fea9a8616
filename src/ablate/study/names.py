"""What levels are called that are given as bare values."""

from collections.abc import Mapping
from typing import Any

from ablate.config.target import TARGET


def level_name(value: Any) -> str:
    """Return the name that a bare value gets as a level: `0.1`, `true`, `relu`."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:g}"
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
