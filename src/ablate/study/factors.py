"""From factors as they are written to factors with named levels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import is_user_code
from ablate.errors import ConfigError, one_of
from ablate.study.claims import Rule
from ablate.study.file import FactorFile
from ablate.study.names import key_label, level_name, named_levels
from ablate.study.schema import ABSENT, Factor, Level


def settings(name: str, factor: FactorFile) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield what each level is called and what it sets: the factor's key, or several."""
    key, levels = factor.key or name, factor.levels
    if not isinstance(levels, Mapping):
        yield from ((level_name(value), {key: value}) for value in levels or ())
        return
    for level, value in levels.items():
        sets_several = isinstance(value, Mapping) and not is_user_code(key, value)
        yield level, value if sets_several else {key: value}


def read_factor(name: str, written: FactorFile, groups: Groups) -> Factor:
    """Return a factor with its levels.

    Raises ConfigError for an unknown key, or a level name that is no text or given twice.
    """
    where, key = f"factor '{name}'", written.key or name
    if written.levels is None:
        raise ConfigError(f"{where}: 'levels' is missing.")
    named = isinstance(written.levels, Mapping)
    if not named:
        groups.check_key(key, where)
    levels = []
    for level, overrides in settings(name, written):
        if not isinstance(level, str):
            raise ConfigError(
                f"{where}: level name {level_name(level)} is not a text; put it in quotes."
            )
        here = f"{where}, level '{level}'" if named else where
        levels.append(read_level(level, overrides, groups, here))
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
    return Level(name=name, overrides=dict(overrides))


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
