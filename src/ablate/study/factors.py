"""From factors as they are written to factors with named levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import is_user_code
from ablate.config.validate import validated
from ablate.errors import ConfigError, one_of
from ablate.study.claims import Rule
from ablate.study.file import FactorFile
from ablate.study.names import key_label, level_name, named_levels
from ablate.study.schema import ABSENT, Factor, Level


def settings(name: str, factor: FactorFile) -> Iterator[Mapping[str, Any]]:
    """Yield what each level sets."""
    key, levels = factor.key or name, factor.levels
    if isinstance(levels, Mapping):
        yield from (_overrides(key, value) for value in levels.values())
    else:
        yield from ({key: value} for value in levels or ())


def read_factor(name: str, written: FactorFile, groups: Groups, where: str) -> Factor:
    """Return a factor with its levels.

    Raises ConfigError for an unknown key, or a level name that is no text or given twice.
    """
    if written.levels is None:
        raise ConfigError(f"{where}: 'levels' is missing.")
    key = written.key or name
    if isinstance(written.levels, Mapping):
        levels = [_named_level(n, v, key, groups, where) for n, v in written.levels.items()]
    else:
        groups.check_key(key, where)
        levels = [read_level(level_name(v), {key: v}, groups, where) for v in written.levels]
    if not levels:
        raise ConfigError(f"{where}: it has no levels.")
    names = [level.name for level in levels]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"{where}: level '{twice[0]}' is given twice.")
    when = {factor: named_levels(allowed) for factor, allowed in written.when.items()}
    if when:
        levels.append(Level(name=ABSENT, overrides={}))
    return Factor(
        name=name, label=written.label or key_label(key), axis=written.axis or "category",
        levels=tuple(levels), when=when,
    )  # fmt: skip


def read_level(name: str, overrides: Mapping[str, Any], groups: Groups, where: str) -> Level:
    """Return a level; raises ConfigError for a key or option that does not exist."""
    check_overrides(overrides, groups, where)
    return validated(Level, {"name": name, "overrides": dict(overrides)}, where)


def check_overrides(overrides: Mapping[str, Any], groups: Groups, where: str) -> None:
    """Raise ConfigError for a key or a group's option that does not exist."""
    for key, value in overrides.items():
        groups.check_override(key, value, where)


def check_levels(rule: Rule, factors: Sequence[Factor], where: str) -> None:
    """Raise ConfigError where a rule names no factor, or none of its levels."""
    known = {factor.name: factor for factor in factors}
    for name, levels in rule.items():
        if name not in known:
            there = f"; there are {one_of(known)}" if known else ""
            raise ConfigError(f"{where}: '{name}' is no factor before this one{there}.")
        known[name].check_levels(levels, where)


def _named_level(name: Any, value: Any, key: str, groups: Groups, where: str) -> Level:
    if not isinstance(name, str):
        raise ConfigError(
            f"{where}: level name {level_name(name)} is not a text; put it in quotes."
        )
    return read_level(name, _overrides(key, value), groups, f"{where}, level '{name}'")


def _overrides(key: str, value: Any) -> Mapping[str, Any]:
    """Return what a named level sets: the factor's key, or several."""
    sets_several = isinstance(value, Mapping) and not is_user_code(key, value)
    return value if sets_several else {key: value}
