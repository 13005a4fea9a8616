"""Reading factors: config keys, or several set together, and their levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import TARGET, is_user_code
from ablate.config.validate import validated
from ablate.errors import ConfigError, one_of
from ablate.study.schema import ABSENT, Factor, Level

_KEYS = ("key", "levels", "label", "axis", "when")


def settings(factors: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the levels set, as far as it has the form of a mapping."""
    found: list[Mapping[str, Any]] = []
    for name, value in factors.items():
        options = value if isinstance(value, Mapping) else {"levels": value}
        levels, key = options.get("levels"), options.get("key", name)
        if isinstance(levels, Mapping):
            found += [v if isinstance(v, Mapping) else {key: v} for v in levels.values()]
            found += [{key: v} for v in levels.values()]
        elif isinstance(levels, list):
            found += [{key: value} for value in levels]
    return found


def read_factor(name: str, value: Any, groups: Groups, where: str) -> Factor:
    """Read `init.scale: [...]`, `{key, levels, label, axis, when}` or levels that set several keys.

    Raises ConfigError for an unknown key, or a level name that is no text or given twice.
    """
    options = value if isinstance(value, Mapping) else {"levels": value}
    for option in options:
        if option not in _KEYS:
            raise ConfigError(f"{where}: unknown key '{option}'; a factor has {one_of(_KEYS)}.")
    if "levels" not in options:
        raise ConfigError(f"{where}: 'levels' is missing.")
    key = options.get("key", name)
    levels = options["levels"]
    if isinstance(levels, Mapping):
        read = [_named_level(n, v, key, groups, where) for n, v in levels.items()]
    else:
        groups.check_key(key, where)
        read = [read_level(level_name(v), {key: v}, groups, where) for v in listed(levels, where)]
    if not read:
        raise ConfigError(f"{where}: it has no levels.")
    names = [level.name for level in read]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ConfigError(f"{where}: level '{twice}' is given twice.")
    when = {k: named_levels(v) for k, v in mapping(options.get("when", {}), where).items()}
    if when:
        read.append(Level(name=ABSENT, overrides={}))
    label = options.get("label", key.rpartition(".")[2].replace("_", " "))
    fields = {
        "name": name, "label": label, "axis": options.get("axis", "category"), "levels": read,
        "when": when,
    }  # fmt: skip
    return validated(Factor, fields, where)


def check_overrides(overrides: Mapping[str, Any], groups: Groups, where: str) -> None:
    """Raise ConfigError for a key or a group's option that does not exist."""
    for key, value in overrides.items():
        if not isinstance(key, str):
            raise ConfigError(f"{where}: key {key} is not a text.")
        groups.check_override(key, value, where)


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


def named_levels(value: Any) -> tuple[str, ...]:
    """Return the names of one level or of several, as a rule gives them."""
    return tuple(level_name(one) for one in (value if isinstance(value, list | tuple) else [value]))


def _named_level(name: Any, value: Any, key: str, groups: Groups, where: str) -> Level:
    if not isinstance(name, str):
        raise ConfigError(
            f"{where}: level name {level_name(name)} is not a text; put it in quotes."
        )
    sets_several = isinstance(value, Mapping) and not is_user_code(key, value)
    overrides = value if sets_several else {key: value}
    return read_level(name, overrides, groups, f"{where}, level '{name}'")


def read_level(name: str, overrides: Mapping[str, Any], groups: Groups, where: str) -> Level:
    """Return a level; raises ConfigError for a key or option that does not exist."""
    check_overrides(overrides, groups, where)
    return validated(Level, {"name": name, "overrides": dict(overrides)}, where)


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return `value`; raises ConfigError unless it is a mapping."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys, not {level_name(value)}.")
    return value


def listed(value: Any, where: str) -> list[Any]:
    """Return `value` as a list; raises ConfigError unless it is one."""
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} must be a list, not {level_name(value)}.")
    return list(value)
